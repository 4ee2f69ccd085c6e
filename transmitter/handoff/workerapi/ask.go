package workerapi

import (
	"context"
	"runtime"
	"time"

	"carrier/internal/httpapi"
	"carrier/transmitter/handoff"
)

const (
	// usualWait and longestWait are how long a request waits for the first message.
	usualWait   = 20 * time.Second
	longestWait = time.Minute
	// leastWait is what the source is given to bring one, however short the wait.
	leastWait = 100 * time.Millisecond
	// linger is how long is waited for more messages once the first is there: those of one receive
	// are handed over one by one.
	linger = 5 * time.Millisecond
)

// A wish is what a request asks for.
type wish struct {
	most  int
	wait  time.Duration
	lease time.Duration
}

// take waits for the messages that are wished for. There are none where none came in time, or ctx
// has ended: the request is gone then.
func (s *Server) take(ctx context.Context, t *handoff.Table, want wish) ([]handoff.Handed, *httpapi.Problem) {
	select {
	case <-s.draining:
		return nil, drained()
	default:
	}
	defer s.waits.Add(-1)
	if s.waits.Add(1) > maxWaits {
		return nil, busy("too many requests wait for messages")
	}
	asking := t.Ask(want.most, want.lease)
	got := s.await(ctx, asking, want)
	got = append(got, asking.Close()...)
	select {
	case <-ctx.Done():
		unread(t, got)
		return nil, nil
	case <-s.draining:
		if len(got) == 0 {
			return nil, drained()
		}
	default:
	}
	return got, nil
}

// await waits for the first message, and a little for more.
func (s *Server) await(ctx context.Context, asking *handoff.Asking, want wish) (got []handoff.Handed) {
	timer := time.NewTimer(max(want.wait, leastWait))
	defer timer.Stop()
	select {
	case h := <-asking.Messages():
		got = append(got, h)
	case <-timer.C:
	case <-ctx.Done():
	case <-s.draining:
	}
	if len(got) == 0 || want.most == 1 {
		return got
	}
	// Others that can run now may have more: it is cheaper than to be woken by them.
	runtime.Gosched()
	timer.Reset(linger)
	select {
	case <-asking.Full(): // its Close brings them
	case <-timer.C:
	case <-ctx.Done():
	case <-s.draining:
	}
	return got
}

// unread says that messages could not be written.
func unread(t *handoff.Table, messages []handoff.Handed) {
	for _, h := range messages {
		t.Unread(h.Token)
	}
}
