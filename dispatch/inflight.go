package dispatch

import (
	"errors"
	"sync"
	"time"

	"carrier/internal/recent"
	"carrier/message"
	"carrier/receiver"
)

// A delivery is one message in flight: received, and its lease not over.
type delivery struct {
	*message.Message

	lease lease
	// ticket is its place among those that wait for a slot, where it is a head.
	ticket ticket
	// outcome is what became of it; written by the goroutine that handles it.
	outcome message.Outcome
	// settled is true once the source has confirmed the outcome.
	settled bool
	// unposted is true until a Transmit with it is begun.
	unposted bool
	// accepted is true where the worker accepted the message before.
	accepted bool
	// earlier is the hand-out of the same message that was in flight when this one of a group came;
	// nil without one.
	earlier *delivery
	// tailReturned says that what waited behind it was given back before it was settled.
	tailReturned bool
	// done is closed when it is no longer in flight; nil while nobody waits for it.
	done chan struct{}
}

// inFlight knows every message in flight by its id, so that one that comes twice is not posted
// twice; and also those that came before and were accepted. It is safe for concurrent use.
type inFlight struct {
	accepted *acceptedIDs

	mu      sync.Mutex
	byID    map[string]*delivery
	posting map[*delivery]struct{}
}

func newInFlight() *inFlight {
	return &inFlight{accepted: newAcceptedIDs(), byID: map[string]*delivery{}, posting: map[*delivery]struct{}{}}
}

// add puts m in flight, and notes whether the worker accepted it before. It returns the delivery of
// the same id that is in flight already; m then waits until that is done, and is not known by its
// id.
func (f *inFlight) add(m *delivery) (earlier *delivery) {
	m.accepted = f.accepted.has(m.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	if earlier = f.byID[m.ID]; earlier == nil {
		f.byID[m.ID] = m
		return nil
	}
	if earlier.done == nil {
		earlier.done = make(chan struct{})
	}
	return earlier
}

// remove ends m's time in flight; err is how its settlement ended. Where the message has left the
// queue, or has yet to leave it though there is nothing else to be done for it, it is remembered as
// accepted.
func (f *inFlight) remove(m *delivery, err error) {
	deadLetter := m.outcome.Verdict == message.Rejected && m.outcome.Action == message.DeadLetter
	switch {
	case !m.outcome.Ends():
	case err == nil:
		f.accepted.confirmed(m.ID, m.Repeats)
	case !deadLetter || errors.Is(err, receiver.ErrNotRemoved):
		f.accepted.unconfirmed(m.ID)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID[m.ID] == m {
		delete(f.byID, m.ID)
	}
	if m.done != nil {
		close(m.done)
	}
}

// post marks m as being with the worker, until answered is called.
func (f *inFlight) post(m *delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.posting[m] = struct{}{}
}

func (f *inFlight) answered(m *delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.posting, m)
}

// withWorker lists the ids of the messages that the worker holds.
func (f *inFlight) withWorker() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]string, 0, len(f.posting))
	for m := range f.posting {
		ids = append(ids, m.ID)
	}
	return ids
}

const (
	// acceptedLimit is how many ids of either kind are remembered; the oldest go first.
	acceptedLimit = 10_000
	// acceptedKept is how long: longer than any lease lasts, which is twelve hours on SQS.
	acceptedKept = 13 * time.Hour
)

// acceptedIDs remembers messages whose end is decided: the worker accepted them, or their dead
// letter is kept. When the source hands one out again it is removed without a second post. It is
// safe for concurrent use.
type acceptedIDs struct {
	mu sync.Mutex
	// unremoved are those whose removal the source did not confirm. removed are those whose removal
	// it did, where it may hand them out again all the same (message.Message.Repeats). They are
	// apart, since there are few of the first, and of the second all that are delivered.
	unremoved, removed *recent.Set[struct{}]
}

func newAcceptedIDs() *acceptedIDs {
	return &acceptedIDs{
		unremoved: recent.New[struct{}](acceptedLimit, acceptedKept),
		removed:   recent.New[struct{}](acceptedLimit, acceptedKept),
	}
}

// unconfirmed notes that the source has not confirmed the removal of id.
func (a *acceptedIDs) unconfirmed(id string) {
	key := recent.KeyOf(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unremoved.Put(key, struct{}{})
}

// confirmed notes that the source has confirmed the removal of id. The id is remembered from then
// on where the source repeats what it removed, and else forgotten.
func (a *acceptedIDs) confirmed(id string, repeats bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !repeats && a.unremoved.Len() == 0 {
		return
	}
	key := recent.KeyOf(id)
	a.unremoved.Remove(key)
	if repeats {
		a.removed.Put(key, struct{}{})
	}
}

// has reports whether id is remembered.
func (a *acceptedIDs) has(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unremoved.Len()+a.removed.Len() == 0 {
		return false
	}
	key := recent.KeyOf(id)
	if _, ok := a.unremoved.Get(key); ok {
		return true
	}
	_, ok := a.removed.Get(key)
	return ok
}
