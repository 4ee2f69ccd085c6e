package pubsub

import (
	"slices"
	"sync"
	"time"
)

// gates keeps the order of an ordering key whose messages were given back. Pub/Sub may
// hand out what comes behind one while that is hidden, and the emulator puts what was given
// back behind all the others; so what comes before its turn is kept back until the
// message in front of it has come again, or until that should have. Its methods may be
// called at once.
type gates struct {
	limit int

	mu    sync.Mutex
	byKey map[string]*gate
}

// A gate lets the messages of its key through one after the other.
type gate struct {
	ids   []string       // in their order; the first is the next one
	due   time.Time      // when that is to come
	until time.Time      // when it is waited for no longer
	back  map[string]int // how often others were given back since it is due
}

// maxReturns is how often a message is given back at once while another one is awaited.
const maxReturns = 3

// maxWaiting is how many messages of one key are kept in their order.
const maxWaiting = 1000

func newGates(limit int) *gates { return &gates{limit: limit, byKey: map[string]*gate{}} }

// shut lets nothing of key through before the message id, which is to come at due, until
// grace after that. A tail is given back last one first, so that each message goes in
// front of those before.
func (g *gates) shut(key, id string, due time.Time, grace time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.byKey[key]
	if at == nil {
		if len(g.byKey) >= g.limit {
			g.sweep()
		}
		at = &gate{}
		g.byKey[key] = at
	}
	at.ids = append([]string{id}, without(at.ids, id)...)
	at.ids = at.ids[:min(len(at.ids), maxWaiting)]
	at.expect(due, grace)
}

// expect begins the wait for the first message.
func (at *gate) expect(due time.Time, grace time.Duration) {
	at.due, at.until, at.back = due, due.Add(grace), map[string]int{}
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other == id })
}

// pass reports whether the message id of key has to wait, and for how long it is to be
// given back. Once the awaited message is due that is for no time at first: a server
// that holds a key back behind any message that is hidden would hold that one back too.
// After a few times it is for the rest of the wait, since every hand-out may count towards
// the dead letters, which take a message after five at the earliest.
func (g *gates) pass(key, id string, grace time.Duration) (wait time.Duration, shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.byKey[key]
	now := time.Now()
	switch {
	case at == nil:
		return 0, false
	case !now.Before(at.until), len(at.ids) == 1 && id == at.ids[0]:
		delete(g.byKey, key)
		return 0, false
	case id == at.ids[0]:
		at.ids = at.ids[1:]
		at.expect(now, grace)
		return 0, false
	}
	if !slices.Contains(at.ids, id) && len(at.ids) < maxWaiting {
		at.ids = append(at.ids, id)
	}
	if now.Before(at.due) {
		return at.due.Sub(now), true
	}
	if at.back[id]++; at.back[id] > maxReturns {
		return at.until.Sub(now), true
	}
	return 0, true
}

// sweep makes room: gates whose time is over go, and where there are none, any. The
// lock is held.
func (g *gates) sweep() {
	for key, at := range g.byKey {
		if time.Until(at.until) <= 0 {
			delete(g.byKey, key)
		}
	}
	for key := range g.byKey {
		if len(g.byKey) < g.limit {
			return
		}
		delete(g.byKey, key)
	}
}
