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
	// Ready waits until the application can take more than promised messages, and says how many in
	// all: Unlimited where it sets no limit. Promised are the messages that are on
	// their way and that Transmit was not called with yet; it is zero or more. Ready returns ctx's error when ctx ends first, and
	// no other. When ctx has ended already it does not wait: it says what is known, if that is more
	// than promised.
	Ready(ctx context.Context, promised int) (int, error)

	// Transmit hands m over once and waits for the application's word on it. When ctx ends it
	// returns promptly, with a Retry. An Outcome whose Cause is Unreached means that nothing was
	// handed over; the caller waits for Ready and may call again under the same lease.
	Transmit(ctx context.Context, m *message.Message) message.Outcome
}

// A Batcher is a Transmitter that can hand over several messages at once, as one request. All its
// methods are safe for concurrent use.
type Batcher interface {
	Transmitter

	// TransmitBatch hands over the messages of batch together, once, and waits for the application's word
	// on each: it returns one outcome for each, in order. Messages whose Ordered is true are of one
	// group and in order; they alone are in their batch. The zero cause, Returned, with a ctx that has
	// not ended, means that a message was left out: the caller may hand it over again under the same
	// lease. Of the outcomes of one request all but the first have Along set. When ctx ends it returns
	// promptly, as Transmit does.
	TransmitBatch(ctx context.Context, batch []*message.Message) []message.Outcome
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
