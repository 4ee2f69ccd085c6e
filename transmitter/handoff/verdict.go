package handoff

import (
	"context"
	"time"

	"carrier/message"
)

// A Kind is what a consumer says of a message.
type Kind string

// The verdicts.
const (
	Ack        Kind = "ack"
	Retry      Kind = "retry"
	DeadLetter Kind = "dead-letter"
	Extend     Kind = "extend"
)

// A Verdict is a consumer's word on one message.
type Verdict struct {
	Kind Kind
	// Delay is how long the message stays away after Retry; zero leaves it to the backoff, as a failed
	// attempt.
	Delay time.Duration
	// For is how much time the consumer has from now on after Extend.
	For time.Duration
	// Reason is for dead letters and the log.
	Reason string
}

// same says whether v and other mean the same end, so that one of them may have been sent twice.
func (v Verdict) same(other Verdict) bool { return v.Kind == other.Kind }

// outcome is what v means. Its code is that of the status a worker would have answered with.
func (v Verdict) outcome() message.Outcome {
	switch v.Kind {
	case Ack:
		return message.Outcome{Verdict: message.Delivered, Code: "2xx"}
	case DeadLetter:
		return message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Code: "4xx", Reason: orWord(v.Reason, "the consumer asked for a dead letter")}
	default:
		o := message.Outcome{Cause: message.Failed, Code: "5xx", Delay: v.Delay, Reason: orWord(v.Reason, "the consumer asked for it again")}
		if v.Delay > 0 {
			o.Cause = message.Deferred
		}
		return o
	}
}

func orWord(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// Settle passes the verdict on the message of token, and returns once the source has agreed. When ctx
// ends before that it is ErrUnconfirmed. The same verdict again has the same result, another one is
// ErrOtherVerdict; both are remembered for ten minutes.
func (t *Table) Settle(ctx context.Context, token string, v Verdict) error {
	if v.Kind == Extend {
		return t.extend(token, v.For)
	}
	h, err := t.decide(token, v)
	if h == nil {
		return err
	}
	select {
	case <-h.settled:
		return h.err
	case <-ctx.Done():
		return ErrUnconfirmed
	}
}

// decide notes the verdict; a nil held means that there is nothing to wait for.
func (t *Table) decide(token string, v Verdict) (*held, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.held[token]
	switch {
	case h == nil:
		return nil, t.ended.result(token, v)
	case h.unread:
		return nil, ErrUnknown
	case h.verdict != nil && !h.verdict.same(v):
		return nil, ErrOtherVerdict
	case h.verdict != nil:
		return h, nil
	case !time.Now().Before(h.expires):
		return nil, ErrLeaseEnded
	}
	h.verdict = &v
	t.deciding[h.message] = h
	close(h.decided)
	return h, nil
}

// extend gives the consumer more time from now on.
func (t *Table) extend(token string, more time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.held[token]
	switch {
	case h == nil:
		return t.ended.result(token, Verdict{Kind: Extend})
	case h.unread:
		return ErrUnknown
	case h.verdict != nil:
		return ErrOtherVerdict
	case !time.Now().Before(h.expires):
		return ErrLeaseEnded
	}
	if more <= 0 {
		more = t.lease
	}
	h.expires = time.Now().Add(min(more, MaxLease))
	select {
	case h.moved <- struct{}{}:
	default:
	}
	return nil
}
