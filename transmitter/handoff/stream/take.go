package stream

import (
	"context"
	"slices"
	"time"

	"carrier/transmitter/handoff"
)

// A verdict is one that the source has not agreed to yet.
type verdict struct {
	token   string
	pending handoff.Pending
	until   time.Time // how long is waited for that
}

// take does what a frame says. Where more frames are there to be read, those ask for messages.
func (s *stream) take(f Frame, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Type == credit {
		s.credit = min(*f.Most, s.o.Most)
		s.online()
		s.want()
		return
	}
	s.owed++
	if known, err := s.decide(f); known {
		s.replies = append(s.replies, reply{kind: settled, token: f.Token, err: err})
		s.inbox.ring()
	}
	if !more {
		s.want()
	}
}

// decide passes a verdict on, and reports whether it is known what comes of it. The lock is held, so
// that nobody looks for the verdict before it is noted.
func (s *stream) decide(f Frame) (known bool, err error) {
	if f.verdict.Kind != handoff.Extend {
		s.inbox.ignore(f.Token)
	}
	pending, err := s.o.Decide(f.Token, f.verdict)
	if err != nil {
		return true, err
	}
	if f.verdict.Kind != handoff.Extend {
		delete(s.held, f.Token)
	}
	if known, err = pending.Tell(s.inbox); known {
		return true, err
	}
	v := verdict{f.Token, pending, time.Now().Add(s.o.SettleTimeout)}
	s.pending = append(s.pending, v)
	if s.overdue.IsZero() {
		s.remind(v.until)
	}
	return false, nil
}

// remind has the stream look at what is pending at that time. The lock is held.
func (s *stream) remind(at time.Time) {
	s.overdue = at
	s.reminder.Reset(time.Until(at))
}

// waitForRoom waits while too many verdicts are not answered.
func (s *stream) waitForRoom(ctx context.Context) {
	for s.isFull() && ctx.Err() == nil {
		s.waits.Store(true)
		select {
		case <-s.room:
		case <-ctx.Done():
		}
		s.waits.Store(false)
	}
}

func (s *stream) isFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owed >= mostOwed
}

// collect takes what has come: messages into unwritten, everything else is returned.
func (s *stream) collect() []reply {
	// The ends first: of each that is among them the message has come before, and is received now at
	// the latest.
	s.ends, s.agreed = s.inbox.take(s.ends, s.agreed)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receive()
	all := s.written[:0]
	all = append(all, s.replies...)
	s.replies = s.replies[:0]
	for _, a := range s.agreed {
		if i := slices.IndexFunc(s.pending, func(v verdict) bool { return v.token == a.token }); i >= 0 {
			s.pending = slices.Delete(s.pending, i, i+1)
			all = append(all, reply{kind: settled, token: a.token, err: a.err})
		}
	}
	all = s.giveUp(all)
	for _, e := range s.ends {
		delete(s.held, e.token)
		if e.lost {
			all = append(all, reply{kind: lost, token: e.token})
		}
	}
	s.written = all
	return all
}

// receive takes what was handed over. The lock is held, since it is counted at the consumer, until it
// is received, and from then on here.
func (s *stream) receive() {
	if s.asking == nil {
		return
	}
	for messages := s.asking.Messages(); len(messages) > 0; {
		h := <-messages
		s.held[h.Token] = struct{}{}
		s.unwritten = append(s.unwritten, h)
	}
}

// giveUp appends answers to those verdicts whose time is over. The lock is held.
func (s *stream) giveUp(all []reply) []reply {
	if s.overdue.IsZero() || time.Now().Before(s.overdue) {
		return all
	}
	s.overdue = time.Time{}
	left := s.pending[:0]
	for _, v := range s.pending {
		// Where there is a result by now it is in the inbox.
		if !time.Now().Before(v.until) && v.pending.Forget(s.inbox) == handoff.ErrUnconfirmed { //nolint:errorlint // never wrapped
			all = append(all, reply{kind: settled, token: v.token, err: handoff.ErrUnconfirmed})
			continue
		}
		left = append(left, v)
	}
	clear(s.pending[len(left):])
	if s.pending = left; len(left) > 0 {
		s.remind(left[0].until)
	}
	return all
}

// answered counts replies that were written, and asks for as many messages as there is room for.
func (s *stream) answered(replies []reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range replies {
		if r.kind == settled {
			s.owed--
		}
	}
	select {
	case s.room <- struct{}{}:
	default:
	}
	s.want()
}
