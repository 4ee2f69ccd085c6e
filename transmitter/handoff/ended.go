package handoff

import (
	"carrier/internal/recent"
)

// ended remembers tokens for a while after their end.
type ended struct{ set *recent.Set[end] }

// An end is what became of a token.
type end uint8

// The ends.
const (
	leaseEnded end = iota
	acknowledged
	retried
	deadLettered
)

func newEnded() ended { return ended{recent.New[end](rememberMost, rememberFor)} }

// put notes the end of h: of its verdict, or leaseEnded where there was none or the source has not
// agreed to it.
func (e ended) put(h *held, agreed bool) {
	how := leaseEnded
	if h.decided && agreed {
		how = endOf(h.verdict.Kind)
	}
	e.set.Put(h.key, how)
}

// result is the answer to a verdict of that kind on a token that is not held.
func (e ended) result(of key, k Kind) error {
	how, known := e.set.Get(of)
	switch {
	case !known:
		return ErrUnknown
	case how == leaseEnded:
		return ErrLeaseEnded
	case how != endOf(k):
		return ErrOtherVerdict
	default:
		return nil
	}
}

func endOf(k Kind) end {
	switch k {
	case Ack:
		return acknowledged
	case Retry:
		return retried
	case DeadLetter:
		return deadLettered
	default:
		return leaseEnded
	}
}
