package dispatch

import (
	"context"
	"sync"
)

// slots counts the idle places at the worker and gives them out in the order in
// which they were asked for.
type slots struct {
	mu   sync.Mutex
	free int
	line []*ticket
	open chan struct{} // closed: what is granted at once needs no channel of its own
}

// A ticket is one place in the line for a slot.
type ticket struct {
	granted chan struct{}
	left    bool
}

func newSlots(n int) *slots {
	s := &slots{free: n, open: make(chan struct{})}
	close(s.open)
	return s
}

// join gives t a place in the line. It is followed by wait.
func (s *slots) join(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free > 0 {
		s.free--
		*t = ticket{granted: s.open}
		return
	}
	*t = ticket{granted: make(chan struct{})}
	s.line = append(s.line, t)
}

// wait waits for t's turn and reports whether it has a slot, which leave frees.
// When ctx ends first it has none, and has left the line.
func (s *slots) wait(ctx context.Context, t *ticket) bool {
	select {
	case <-t.granted:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-t.granted:
		return true
	default:
		t.left = true
		return false
	}
}

// leave frees a slot.
func (s *slots) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	s.grant()
}

// grant gives the free slots to the first in line. The lock is held.
func (s *slots) grant() {
	for s.free > 0 && len(s.line) > 0 {
		t := s.line[0]
		s.line[0] = nil
		s.line = s.line[1:]
		if !t.left {
			s.free--
			close(t.granted)
		}
	}
}
