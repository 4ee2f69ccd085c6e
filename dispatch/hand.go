package dispatch

import (
	"sync"

	"carrier/message"
)

// A hand is one message in hand: received, and its lease not over.
type hand struct {
	m     *message.Message
	lease lease
	// turn is its place in the line for a slot, where it is a head.
	turn ticket
	// outcome is what became of it; written by the goroutine that handles it.
	outcome message.Outcome
	// settled is true once the source has confirmed the outcome.
	settled bool
	// accepted is true where the worker accepted the message before.
	accepted bool
	// unposted is true until a Transmit with m is begun.
	unposted bool
	// first is the earlier hand-out of the same message that was in hand when this one
	// of a group came; nil without one.
	first *hand
	// tailReturned says that what waited behind it was given back before it was settled.
	tailReturned bool
	// over is closed when the message is no longer in hand; nil while nobody waits for it.
	over chan struct{}
}

// hands knows every message in hand by its id, so that one that comes twice is
// not posted twice.
type hands struct {
	mu      sync.Mutex
	byID    map[string]*hand
	posting map[*hand]struct{}
}

func newHands() *hands {
	return &hands{byID: map[string]*hand{}, posting: map[*hand]struct{}{}}
}

// add puts h in hand. It returns the message of the same id that is in hand
// already; h then waits until that is over, and is not known by its id.
func (s *hands) add(h *hand) (first *hand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first = s.byID[h.m.ID]; first == nil {
		s.byID[h.m.ID] = h
		return nil
	}
	if first.over == nil {
		first.over = make(chan struct{})
	}
	return first
}

// remove ends h's time in hand.
func (s *hands) remove(h *hand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[h.m.ID] == h {
		delete(s.byID, h.m.ID)
	}
	if h.over != nil {
		close(h.over)
	}
}

// post marks h as being with the worker, until answered is called.
func (s *hands) post(h *hand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting[h] = struct{}{}
}

func (s *hands) answered(h *hand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.posting, h)
}

// posted lists the ids of the messages that the worker holds.
func (s *hands) posted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.posting))
	for h := range s.posting {
		ids = append(ids, h.m.ID)
	}
	return ids
}
