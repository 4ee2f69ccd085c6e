package dispatch

import (
	"context"
	"slices"
	"sync"
)

// slots counts the idle places at the worker and gives them out in the order in which they were
// asked for. It is safe for concurrent use.
type slots struct {
	each int // most messages in one slot

	mu      sync.Mutex
	idle    int
	waiters []*ticket
	granted chan struct{} // closed: what is granted at once needs no channel of its own
}

// A ticket is one place among those that wait for a slot.
type ticket struct {
	granted chan struct{}
	gaveUp  bool // receiving ended first
	// of is whose ticket it is, where it may share a slot with others that may; else nil.
	of *delivery
	// along are those that share the slot of this ticket and did not get it themselves.
	along []*delivery
	// answered is not nil where another one's slot is shared; it is closed when that one has settled
	// what becomes of the message in it.
	answered chan struct{}
}

func newSlots(n, each int) *slots {
	s := &slots{idle: n, each: each, granted: make(chan struct{})}
	close(s.granted)
	return s
}

// join gives the tickets places behind the others that wait. It is followed by wait for each.
func (s *slots) join(tickets ...*ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tickets {
		if s.idle > 0 && t.of == nil && len(s.waiters) == 0 {
			s.idle--
			t.granted = s.granted
			continue
		}
		t.granted = make(chan struct{})
		s.waiters = append(s.waiters, t)
	}
	s.grant()
}

// wait waits for a slot and reports whether t has one, which free frees, or shares one. When
// receiving ends first it has none, and waits no more.
func (s *slots) wait(receiving context.Context, t *ticket) bool {
	select {
	case <-t.granted:
		return true
	case <-receiving.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-t.granted:
		return true
	default:
		t.gaveUp = true
		return false
	}
}

// free frees a slot, and gives it to whoever waits longest.
func (s *slots) free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle++
	s.grant()
}

// grant gives the idle slots to those that wait. The lock is held.
func (s *slots) grant() {
	for s.idle > 0 && len(s.waiters) > 0 {
		t := s.waiters[0]
		s.waiters[0] = nil
		s.waiters = s.waiters[1:]
		if t.gaveUp {
			continue
		}
		s.idle--
		if t.of != nil {
			s.share(t)
		}
		close(t.granted)
	}
}

// share has those that wait longest, and may share a slot, share that of t. The lock is held.
func (s *slots) share(t *ticket) {
	s.waiters = slices.DeleteFunc(s.waiters, func(w *ticket) bool {
		if w.of == nil || w.gaveUp || len(t.along)+1 >= s.each {
			return false
		}
		t.along = append(t.along, w.of)
		w.answered = make(chan struct{})
		close(w.granted)
		return true
	})
}
