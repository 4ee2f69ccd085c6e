package handoff

import (
	"cmp"
	"time"

	"carrier/internal/redact"
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

// Known reports whether k is one of the verdicts.
func (k Kind) Known() bool { return k == Ack || k == Retry || k == DeadLetter || k == Extend }

// tokenVerdict is k as an outcome has it.
func (k Kind) tokenVerdict() message.TokenVerdict {
	switch k {
	case Ack:
		return message.AckByToken
	case DeadLetter:
		return message.DeadLetterByToken
	default:
		return message.RetryByToken
	}
}

// A Verdict is a consumer's word on one message.
type Verdict struct {
	Kind Kind
	// Delay is how long the message stays away after Retry; zero leaves it to the backoff, as a failed
	// attempt.
	Delay time.Duration
	// For is how much time the consumer has from now on after Extend; zero is the table's lease, or that
	// of the Late which has posted the message.
	For time.Duration
	// Reason is for dead letters and the log.
	Reason string
}

// outcome is what v means. Its code is that of the status a worker would have answered with.
func (v Verdict) outcome() message.Outcome {
	switch v.Kind {
	case Ack:
		return message.Outcome{Verdict: message.Delivered, Code: "2xx"}
	case DeadLetter:
		return message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Code: "4xx", Reason: v.reasonOr("the consumer asked for a dead letter")}
	default:
		o := message.Outcome{Cause: message.Failed, Code: "5xx", Delay: v.Delay, Reason: v.reasonOr("the consumer asked for it again")}
		if v.Delay > 0 {
			o.Cause = message.Deferred
		}
		return o
	}
}

func (v Verdict) reasonOr(otherwise string) string { return cmp.Or(redact.Text(v.Reason), otherwise) }

// Decide notes the verdict on the message of token. It does not wait: the source may still have to
// agree, and Pending.Wait tells. The same verdict again has the same result, another one is
// ErrOtherVerdict; both are remembered for ten minutes. Extend is done when Decide returns.
func (t *Table) Decide(token string, v Verdict) (Pending, error) {
	k, is := keyOf(token)
	if !is {
		return Pending{}, ErrUnknown
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.held[k]
	switch {
	case h == nil:
		return Pending{}, t.ended.result(k, v.Kind)
	case h.broken != nil:
		return Pending{}, ErrUnknown
	case h.decided && h.verdict.Kind != v.Kind:
		return Pending{}, ErrOtherVerdict
	case h.decided:
		return Pending{t, h}, nil
	case h.posting == nil && !time.Now().Before(h.expires):
		return Pending{}, ErrLeaseEnded
	case v.Kind == Extend:
		t.extend(h, v.For)
		return Pending{}, nil
	}
	h.decided, h.verdict = true, v
	t.deciding[h.message] = h
	if h.posting != nil {
		h.posting.BringForward(time.Now().Add(afterVerdict))
	}
	h.end(false)
	return Pending{t, h}, nil
}

// find returns what is held by that token; nil where nothing is. The lock is held.
func (t *Table) find(token string) *held {
	k, is := keyOf(token)
	if !is {
		return nil
	}
	return t.held[k]
}

// extend gives the consumer more time from now on. What a POST may take never becomes less. The lock
// is held.
func (t *Table) extend(h *held, more time.Duration) {
	until := time.Now().Add(min(cmp.Or(more, h.lease, t.o.Lease), MaxLease))
	if h.posting != nil {
		h.posting.PutOff(until)
		if until.Before(h.expires) {
			return
		}
	}
	h.expires = until
	h.wake()
}

// Tables are those of several routes. A token is in one of them.
type Tables []*Table

// Decide is Table.Decide of the table that knows token.
func (ts Tables) Decide(token string, v Verdict) (Pending, error) {
	for _, t := range ts {
		if p, err := t.Decide(token, v); err != ErrUnknown { //nolint:errorlint // never wrapped
			return p, err
		}
	}
	return Pending{}, ErrUnknown
}

// Settled is Table.Settled of the table that m was handed over by.
func (ts Tables) Settled(m *message.Message, err error) {
	for _, t := range ts {
		t.Settled(m, err)
	}
}
