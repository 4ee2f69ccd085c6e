// Package transmitter is the way out: what hands messages to the application, and the concerns that
// are wrapped around that, one a file.
package transmitter

import (
	"context"
	"math"

	"carrier/message"
)

// Unlimited is what Ready returns when the application sets no limit of its own.
const Unlimited = math.MaxInt

// A Transmitter hands messages to the application. Both methods are safe for concurrent use.
type Transmitter interface {
	// Ready waits until the application can take a message, and says how many, at least one. It
	// returns ctx's error when ctx ends first, and no other.
	Ready(ctx context.Context) (int, error)

	// Transmit hands m over once and waits for the application's word on it. When ctx ends it
	// returns promptly, with a Retry. An Outcome whose Cause is Unreached means that nothing was
	// handed over; the caller waits for Ready and may call again under the same lease.
	Transmit(ctx context.Context, m *message.Message) message.Outcome
}

// A Middleware adds one concern to a Transmitter.
type Middleware func(next Transmitter) Transmitter

// Wrap puts the middlewares around t, the first outermost.
func Wrap(t Transmitter, middlewares ...Middleware) Transmitter {
	for i := len(middlewares) - 1; i >= 0; i-- {
		t = middlewares[i](t)
	}
	return t
}
