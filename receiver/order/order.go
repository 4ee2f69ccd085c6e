// Package order keeps the order of groups whose messages were given back, for sources that do not.
package order

import (
	"slices"
	"sync"
	"time"

	"carrier/internal/recent"
)

// A Guard keeps the order of a group (an ordering key) whose messages were given back. Pub/Sub and
// JetStream may hand out what comes behind one while that is hidden, and put what was given back
// behind all the others; so what comes before its turn is kept back until the message in front of
// it has come again, or until that should have. It is safe for concurrent use.
type Guard struct {
	mu      sync.Mutex
	byKey   *recent.Set[*awaited] // when it is full the key that was touched least recently goes
	compare func(a, b string) int
}

// awaited is what is waited for of one key: its messages pass one after the other.
type awaited struct {
	ids   []string       // in their order; the first is the next one
	due   time.Time      // when that is to come
	until time.Time      // when it is waited for no longer
	back  map[string]int // how often others were given back since it is due
}

// maxReturns is how often a message is given back at once while another one is awaited.
const maxReturns = 3

// maxWaiting is how many messages of one key are kept in their order.
const maxWaiting = 1000

// NewGuard returns a Guard that knows at most limit groups at once. compare orders the ids of a group;
// nil is for a source whose ids say nothing of their order.
func NewGuard(limit int, compare func(a, b string) int) *Guard {
	return &Guard{byKey: recent.New[*awaited](limit, 0), compare: compare}
}

// ExpectFirst lets nothing of key through before the message id, which is to come at due, until
// grace after that, unless one is awaited that comes before it. A tail is given back last one first, so that each message goes in front of
// those before.
func (g *Guard) ExpectFirst(key, id string, due time.Time, grace time.Duration) {
	hash := recent.KeyOf(key)
	g.mu.Lock()
	defer g.mu.Unlock()
	at, known := g.byKey.Get(hash)
	if !known {
		at = &awaited{}
	}
	at.ids = append([]string{id}, without(at.ids, id)...)
	if g.compare != nil {
		slices.SortFunc(at.ids, g.compare)
	}
	at.ids = at.ids[:min(len(at.ids), maxWaiting)]
	if at.ids[0] == id {
		at.expect(due, grace)
	}
	g.byKey.Put(hash, at)
}

// expect begins the wait for the first message.
func (at *awaited) expect(due time.Time, grace time.Duration) {
	at.due, at.until, at.back = due, due.Add(grace), map[string]int{}
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other == id })
}

// Pass reports whether the message id of key has to wait, and for how long it is to be given back.
// Once the awaited message is due that is for no time at first: a server that holds a key back
// behind any message that is hidden would hold that one back too. After a few times it is for the
// rest of the wait, since every hand-out may count towards the dead letters, which take a message
// after five at the earliest.
func (g *Guard) Pass(key, id string, grace time.Duration) (delay time.Duration, wait bool) {
	if key == "" {
		return 0, false
	}
	hash := recent.KeyOf(key)
	g.mu.Lock()
	defer g.mu.Unlock()
	at, known := g.byKey.Get(hash)
	now := time.Now()
	switch {
	case !known:
		return 0, false
	case !now.Before(at.until), len(at.ids) == 1 && id == at.ids[0]:
		g.byKey.Remove(hash)
		return 0, false
	case id == at.ids[0]:
		at.ids = at.ids[1:]
		at.expect(now, grace)
		return 0, false
	}
	if !slices.Contains(at.ids, id) && len(at.ids) < maxWaiting {
		at.ids = append(at.ids, id)
		if g.compare != nil {
			slices.SortFunc(at.ids, g.compare)
		}
	}
	if now.Before(at.due) {
		return at.due.Sub(now), true
	}
	if at.back[id]++; at.back[id] > maxReturns {
		return at.until.Sub(now), true
	}
	return 0, true
}
