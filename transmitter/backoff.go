package transmitter

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"carrier/message"
)

// A Jitter says which part of its bound a wait is, so that messages that failed together do not
// come back together.
type Jitter string

const (
	// EqualJitter is between half of the bound and all of it. It is what the zero Jitter means: a
	// redrive policy that allows five receives is not used up within seconds.
	EqualJitter Jitter = "equal"
	// FullJitter is between nothing and the bound.
	FullJitter Jitter = "full"
	// NoJitter is the bound itself.
	NoJitter Jitter = "none"
)

// BackoffOptions is what Backoff is made of.
type BackoffOptions struct {
	// Initial is the longest delay after the first failed attempt; each further one makes it
	// Multiplier times longer, up to Max. A Multiplier below 1 counts as 1.
	Initial    time.Duration
	Multiplier float64
	Max        time.Duration
	Jitter     Jitter
	// MaxAge is the age at which GiveUp rejects a message; no delay goes beyond it. Zero means
	// never.
	MaxAge time.Duration
	// Random returns numbers in [0, 1), and is safe for concurrent use; nil means math/rand's.
	Random func() float64
}

// ageMargin is how much older than MaxAge a message is when it comes back at the latest, so that
// it is rejected then and not posted once more.
const ageMargin = time.Millisecond

// Backoff gives every failed or rejected message that has no delay of its own a random one, which
// grows with the attempts that failed. On a source that does not tell deferrals apart every earlier
// receive counts as one, and so does a 429 that was waited for under the lease. A deferred message
// keeps what the worker asked for, and one that was not tried comes back at once. No message stays
// hidden for longer than until it is older than MaxAge: it is rejected then.
//
// It belongs outside GiveUp, so that a rejected message which is left to its source's redrive
// policy does not come back at once: Wrap(t, Backoff, GiveUp, Gate, Hold).
func Backoff(opts BackoffOptions) Middleware {
	if opts.Random == nil {
		opts.Random = rand.Float64
	}
	return func(next Transmitter) Transmitter { return &backoff{next, opts} }
}

type backoff struct {
	Transmitter
	opts BackoffOptions
}

func (b *backoff) Transmit(ctx context.Context, m *message.Message) (o message.Outcome) {
	o = b.Transmitter.Transmit(ctx, m)
	if o.Delay == 0 && comesBack(&o) {
		o.Delay = time.Duration(b.part() * float64(b.bound(m.FailedAttempts()+m.Throttled())))
	}
	o.Delay = b.withinAge(m, o.Delay)
	return o
}

func comesBack(o *message.Outcome) bool {
	return o.Verdict == message.Rejected || o.Verdict == message.Retry && o.Cause == message.Failed
}

// part is how much of the bound is waited, from 0 to 1.
func (b *backoff) part() float64 {
	switch b.opts.Jitter {
	case NoJitter:
		return 1
	case FullJitter:
		return b.opts.Random()
	default:
		return (1 + b.opts.Random()) / 2
	}
}

// bound is the longest delay of a message that had failed so often before.
func (b *backoff) bound(failed int) time.Duration {
	grown := float64(b.opts.Initial) * math.Pow(max(b.opts.Multiplier, 1), float64(failed))
	if grown < float64(b.opts.Max) {
		return time.Duration(grown)
	}
	return b.opts.Max // also where the power has overflowed to infinity
}

// withinAge shortens delay to what is left until m is too old. One that is too old already keeps
// it: it was rejected, and comes back only where it is left to its source's redrive policy.
func (b *backoff) withinAge(m *message.Message, delay time.Duration) time.Duration {
	limit := timeoutOf(m, b.opts.MaxAge)
	if limit <= 0 || m.Sent.IsZero() {
		return delay
	}
	if left := limit - m.Age(); left >= 0 {
		return min(delay, left+ageMargin)
	}
	return delay
}
