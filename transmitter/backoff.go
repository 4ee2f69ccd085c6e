package transmitter

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"carrier/message"
)

// BackoffOptions is what Backoff is made of.
type BackoffOptions struct {
	// Initial is the longest delay after the first attempt; each further one makes it Multiplier
	// times longer, up to Max. A Multiplier below 1 counts as 1.
	Initial    time.Duration
	Multiplier float64
	Max        time.Duration
	// Random returns numbers in [0, 1), and is safe for concurrent use; nil means math/rand's.
	Random func() float64
}

// Backoff gives every failed or rejected message that has no delay of its own a random one between
// zero and a bound that grows with its receive count ("full jitter"). A deferred message keeps what
// the worker asked for, and one that was not tried comes back at once.
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

func (b *backoff) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	o := b.Transmitter.Transmit(ctx, m)
	if o.Delay == 0 && comesBack(o) {
		o.Delay = time.Duration(b.opts.Random() * float64(b.bound(m.ReceiveCount)))
	}
	return o
}

func comesBack(o message.Outcome) bool {
	return o.Verdict == message.Rejected || o.Verdict == message.Retry && o.Cause == message.Failed
}

// bound is the longest delay of a message that was handed out count times.
func (b *backoff) bound(count int) time.Duration {
	grown := float64(b.opts.Initial) * math.Pow(max(b.opts.Multiplier, 1), float64(max(count, 1)-1))
	if grown < float64(b.opts.Max) {
		return time.Duration(grown)
	}
	return b.opts.Max // also where the power has overflowed to infinity
}
