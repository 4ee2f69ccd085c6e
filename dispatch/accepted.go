package dispatch

import (
	"sync"
	"time"

	"carrier/internal/recent"
)

const (
	// acceptedMost is how many ids of either kind are remembered; the oldest go first.
	acceptedMost = 10_000
	// acceptedFor is how long: longer than any lease lasts, which is twelve hours on SQS.
	acceptedFor = 13 * time.Hour
)

// acceptedIDs remembers messages whose end is decided: the worker accepted them, or their dead
// letter is kept. When the source hands one out again it is removed without a second post.
// It is safe for concurrent use.
type acceptedIDs struct {
	mu sync.Mutex
	// unconfirmed are those whose removal the source did not confirm. confirmed are those whose
	// removal it did, where it may hand them out again all the same (message.Message.Repeats).
	// They are apart, since there are few of the first, and of the second all that are delivered.
	unconfirmed, confirmed *recent.Set[struct{}]
}

func newAcceptedIDs() *acceptedIDs {
	return &acceptedIDs{
		unconfirmed: recent.New[struct{}](acceptedMost, acceptedFor),
		confirmed:   recent.New[struct{}](acceptedMost, acceptedFor),
	}
}

// unsettled notes that the source has not confirmed the removal of id.
func (a *acceptedIDs) unsettled(id string) {
	key := recent.KeyOf(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unconfirmed.Put(key, struct{}{})
}

// settled notes that the source has confirmed the removal of id. The id is remembered from then
// on where the source repeats what it removed, and else forgotten.
func (a *acceptedIDs) settled(id string, repeats bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !repeats && a.unconfirmed.Len() == 0 {
		return
	}
	key := recent.KeyOf(id)
	a.unconfirmed.Remove(key)
	if repeats {
		a.confirmed.Put(key, struct{}{})
	}
}

// has reports whether id is remembered.
func (a *acceptedIDs) has(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unconfirmed.Len()+a.confirmed.Len() == 0 {
		return false
	}
	key := recent.KeyOf(id)
	if _, ok := a.unconfirmed.Get(key); ok {
		return true
	}
	_, ok := a.confirmed.Get(key)
	return ok
}
