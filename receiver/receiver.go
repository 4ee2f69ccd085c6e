// Package receiver is the way in: what a source of messages must be able to do.
package receiver

import (
	"context"

	"carrier/message"
)

// A Receiver takes messages from one source and tells it what became of them.
//
// All methods but Open and Close are safe for concurrent use. Errors from the source are of type
// *Error, so that the caller can tell a throttled call from a queue that is not there.
type Receiver interface {
	// Open reaches the source once: it finds the queue and learns what it needs of it (its lease,
	// its order). It is called again after an error until it succeeds, and before any other method.
	Open(ctx context.Context) error

	// Receive waits for messages and returns between one and limit of them, each under a lease,
	// with Lease and Expires set. It returns none and no error when the source's own waiting time
	// is over. When ctx ends it returns promptly: with what it has, or with ctx's error. Messages
	// that it took from the source and cannot return, it gives back itself. It does not back off:
	// the caller does.
	Receive(ctx context.Context, limit int) ([]*message.Message, error)

	// Extend renews the leases of messages in flight, in as few calls as the source allows. It
	// returns one error for each message, in order, nil where the lease was renewed (the message's
	// Renew has then been called); ErrLeaseLost where the source says the lease is gone or can be
	// kept no longer; any other error leaves the lease as it was, and the caller may try again. It
	// does not retry.
	Extend(ctx context.Context, batch []*message.Message) []error

	// Settle ends a lease as o says and returns once the source agreed. It is called with one
	// outcome only for each message, again after an error, and after its last Extend has returned.
	// ErrLeaseLost means that the source no longer knows the lease: the message comes back by
	// itself, if it is still there. ErrNoDeadLetter means that nothing was done, since there is
	// nowhere to send it. Any other error means that nobody knows; the caller tries again until the
	// lease ends. One that wraps ErrNotRemoved says beside it that the dead letter is safe. What
	// was settled before and comes again is the caller's to recognize: a Receiver returns it like
	// any other, with Repeats set where its source hands out again what it has removed.
	Settle(ctx context.Context, m *message.Message, o message.Outcome) error

	// Close ends what the receiver runs, after the last other call has returned.
	Close() error
}

// An Observer is told what a receiver does at its source. Its methods do not block and are safe for
// concurrent use.
type Observer interface {
	// SourceCall counts one request to the source.
	SourceCall(operation string)
	// SourceError counts one failure of a request, or of one entry of a batch.
	SourceError(operation string, class Class)
	// Duplicate counts a message that was handed out again although it had been delivered, or was
	// still in flight; cause is one of a few fixed words.
	Duplicate(cause string)
}

// NoObserver is an Observer that does nothing.
type NoObserver struct{}

// SourceCall does nothing.
func (NoObserver) SourceCall(string) {}

// SourceError does nothing.
func (NoObserver) SourceError(string, Class) {}

// Duplicate does nothing.
func (NoObserver) Duplicate(string) {}
