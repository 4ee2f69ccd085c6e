package stream

import (
	"context"

	"carrier/transmitter/handoff"
)

// take does what a frame says.
func (s *stream) take(ctx context.Context, f Frame) error {
	if f.Type == credit {
		s.credit = min(*f.Most, s.o.Most)
		s.online()
		return nil
	}
	pending, err := s.o.Decide(f.Token, f.verdict)
	if err == nil && f.verdict.Kind != handoff.Extend {
		delete(s.held, f.Token)
	}
	if err != nil || pending == nil {
		return s.write(ctx, settled(f.Token, err))
	}
	s.pending++
	s.others.Go(func() {
		limited, cancel := context.WithTimeout(ctx, s.o.SettleTimeout)
		defer cancel()
		r := settled(f.Token, pending.Wait(limited))
		select {
		case s.results <- r:
		case <-ctx.Done():
		}
	})
	return nil
}

// hand writes a message, and watches what becomes of it.
func (s *stream) hand(ctx context.Context, h handoff.Handed) error {
	text, err := s.o.Message(h)
	if err == nil {
		err = s.writeText(ctx, text)
	}
	if err != nil {
		s.o.Table.Unread(h.Token)
		return err
	}
	s.held[h.Token] = struct{}{}
	s.others.Go(func() {
		e := end{token: h.Token}
		select {
		case <-h.Lost:
			e.lost = true
		case <-h.Decided:
		case <-ctx.Done():
			return
		}
		select {
		case s.ends <- e:
		case <-ctx.Done():
		}
	})
	return nil
}

// end notes that a message is held no more, and tells where it was lost.
func (s *stream) end(ctx context.Context, e end) error {
	delete(s.held, e.token)
	if !e.lost {
		return nil
	}
	return s.write(ctx, reply{Type: "lost", Token: e.token})
}
