package dispatch

import (
	"context"
	"sync"
)

// slots counts the idle places at the worker and gives them out in the order in which they were
// asked for. It is safe for concurrent use.
type slots struct {
	mu      sync.Mutex
	idle    int
	waiters []*ticket
	granted chan struct{} // closed: what is granted at once needs no channel of its own
}

// A ticket is one place among those that wait for a slot.
type ticket struct {
	granted chan struct{}
	gaveUp  bool // receiving ended first
}

func newSlots(n int) *slots {
	s := &slots{idle: n, granted: make(chan struct{})}
	close(s.granted)
	return s
}

// join gives t a place behind the others that wait. It is followed by wait.
func (s *slots) join(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle > 0 {
		s.idle--
		*t = ticket{granted: s.granted}
		return
	}
	*t = ticket{granted: make(chan struct{})}
	s.waiters = append(s.waiters, t)
}

// wait waits for a slot and reports whether t has one, which free frees. When receiving ends first
// it has none, and waits no more.
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
	for s.idle > 0 && len(s.waiters) > 0 {
		t := s.waiters[0]
		s.waiters[0] = nil
		s.waiters = s.waiters[1:]
		if !t.gaveUp {
			s.idle--
			close(t.granted)
		}
	}
}
