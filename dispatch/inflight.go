package dispatch

import (
	"errors"
	"sync"
	"time"

	"carrier/dispatch/leases"

	"carrier/internal/recent"
	"carrier/message"
	"carrier/receiver"
)

// A delivery is one message in flight: received, and its lease not over.
type delivery struct {
	*message.Message

	lease leases.Lease
	// ticket is its place among those that wait for a slot, where it is a head.
	ticket ticket
	// outcome is what became of it; written by the goroutine that handles it.
	outcome message.Outcome
	// settled is true once the source has confirmed the outcome.
	settled bool
	// unposted is true while the worker cannot have the message: before the first Transmit, after one
	// that handed nothing over, and after a deferral that is parked.
	unposted bool
	// promised is true while the application was promised the message and has not got it.
	promised bool
	// ended is true where the end of the message was decided before: see endedIDs.
	ended bool
	// again is true where it was left out of a batch, or the worker could not be reached, and it is
	// to wait for a slot once more.
	again bool
	// lapsed is true where too little of the lease was left to hand it over.
	lapsed bool
	// along are those behind it in its lane that were handed over with it and have left the queue but
	// for their settlement.
	along []*delivery
	// decided is true where outcome was decided in the batch of the one before it in its lane.
	decided bool
	// earlier is the hand-out of the same message that was in flight when this one of a group came;
	// nil without one.
	earlier *delivery
	// tailReturned says that what waited behind it was given back before it was settled.
	tailReturned bool
	// released is when its settling began.
	released time.Time
	// done is closed when it is no longer in flight; nil while nobody waits for it.
	done chan struct{}
}

// A registry knows every message in flight by its id, so that one that comes twice is not posted
// twice; and also those whose end was decided before. It is safe for concurrent use.
type registry struct {
	ended *endedIDs

	mu      sync.Mutex
	byID    map[string]*delivery
	posting map[*delivery]struct{}
}

func newRegistry() *registry {
	return &registry{ended: newEndedIDs(), byID: map[string]*delivery{}, posting: map[*delivery]struct{}{}}
}

// add puts m in flight, and notes whether its end was decided before. It returns the delivery of
// that id which is in flight already; m then waits until that is done, and is not known by its id.
func (r *registry) add(m *delivery) (earlier *delivery) {
	m.ended = r.ended.has(m.ID)
	r.mu.Lock()
	defer r.mu.Unlock()
	if earlier = r.byID[m.ID]; earlier == nil {
		r.byID[m.ID] = m
		return nil
	}
	if earlier.done == nil {
		earlier.done = make(chan struct{})
	}
	return earlier
}

// remove ends m's time in flight; err is how its settlement ended. A message that has left the
// queue, or has only to leave it, is remembered as ended.
func (r *registry) remove(m *delivery, err error) {
	deadLetter := m.outcome.Verdict == message.Rejected && m.outcome.Action == message.DeadLetter
	switch {
	case !m.outcome.Ends():
	case err == nil:
		r.ended.confirmed(m.ID, m.Repeats)
	case !deadLetter || errors.Is(err, receiver.ErrNotRemoved):
		r.ended.unconfirmed(m.ID)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID[m.ID] == m {
		delete(r.byID, m.ID)
	}
	if m.done != nil {
		close(m.done)
	}
}

// post marks m as being with the worker, until answered is called.
func (r *registry) post(m *delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posting[m] = struct{}{}
}

func (r *registry) answered(m *delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.posting, m)
}

// withWorker lists the ids of the messages that the worker holds.
func (r *registry) withWorker() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.posting))
	for m := range r.posting {
		ids = append(ids, m.ID)
	}
	return ids
}

const (
	// endedLimit is how many ids of either kind are remembered; the oldest go first.
	endedLimit = 10_000
	// endedKept is how long: longer than any lease lasts, which is twelve hours on SQS.
	endedKept = 13 * time.Hour
)

// endedIDs remembers messages whose end is decided: the worker accepted them, or their dead
// letter is kept. When the source hands one out again it is removed without a second post. It is
// safe for concurrent use.
type endedIDs struct {
	mu sync.Mutex
	// unremoved are those whose removal the source did not confirm. removed are those whose removal
	// it did, where it may hand them out again all the same (message.Message.Repeats). They are
	// apart, since there are few of the first, and of the second all that are delivered.
	unremoved, removed *recent.Set[struct{}]
}

func newEndedIDs() *endedIDs {
	return &endedIDs{
		unremoved: recent.New[struct{}](endedLimit, endedKept),
		removed:   recent.New[struct{}](endedLimit, endedKept),
	}
}

// unconfirmed notes that the source has not confirmed the removal of id.
func (e *endedIDs) unconfirmed(id string) {
	key := recent.KeyOf(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unremoved.Put(key, struct{}{})
}

// confirmed notes that the source has confirmed the removal of id. The id is remembered from then
// on where the source repeats what it removed, and else forgotten.
func (e *endedIDs) confirmed(id string, repeats bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !repeats && e.unremoved.Len() == 0 {
		return
	}
	key := recent.KeyOf(id)
	e.unremoved.Remove(key)
	if repeats {
		e.removed.Put(key, struct{}{})
	}
}

// has reports whether id is remembered.
func (e *endedIDs) has(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unremoved.Len()+e.removed.Len() == 0 {
		return false
	}
	key := recent.KeyOf(id)
	if _, ok := e.unremoved.Get(key); ok {
		return true
	}
	_, ok := e.removed.Get(key)
	return ok
}
