// Package publisher puts messages into a distributed queue: what such a queue must be able to do.
package publisher

import (
	"context"
	"errors"
	"time"

	"carrier/message"
)

// A Publisher puts messages into one queue. All methods but Open and Close are safe for concurrent
// use.
type Publisher interface {
	// Open reaches the queue once and learns its limits. It is called again after an error until it
	// succeeds, and before any other method.
	Open(ctx context.Context) error

	// Publish returns once the queue vouches for each message or has refused it: one Result for
	// each, in order. It does not retry. Of a message it stores ID, ReceiveCount and the other marks
	// of a hand-out nowhere: the queue gives its own. Body, ContentType, Attributes,
	// BinaryAttributes, Group and a Due that is not past are kept, or the message is refused; a Key
	// counts where Limits.Deduplicates says so, a Trace where the queue has a place for one. What a
	// queue cannot hold is refused before anything is sent of that message.
	//
	// The messages of one group are stored in their order: one goes when the queue has confirmed the
	// one before, and where it has not, those behind it are refused. Messages of different calls
	// have an order only where one call began after the other had returned.
	Publish(ctx context.Context, batch []*message.Message) []Result

	// Check returns the *Refusal of a message that the queue can never hold, as Publish would; nil where
	// it sends the message. It is valid after Open.
	Check(m *message.Message) error

	// Limits is valid after Open.
	Limits() Limits

	// Close ends what the publisher runs, after the last other call has returned.
	Close() error
}

// A Result is what became of one message.
type Result struct {
	// ID is what the queue calls the message that it has stored.
	ID string
	// Duplicate says that the queue had a message of the same key already, and stored no other one.
	Duplicate bool
	// Err is nil where the queue has confirmed that it has the message. A *Refusal means that the
	// message is not stored. Any other error means that nobody knows: it may have been stored.
	Err error
}

// Limits is what a queue can hold.
type Limits struct {
	// Bytes is the most bytes of one message, attributes included; how they are counted is the
	// queue's.
	Bytes int
	// Attributes is the most attributes of one message, binary ones included.
	Attributes int
	// Binary says that BinaryAttributes are kept.
	Binary bool
	// Delay is the longest time from now until a message is due; zero means that all are due at once.
	Delay time.Duration
	// Deduplicates says that of the messages of one key only the first is stored, for some minutes.
	Deduplicates bool
	// Ordered says that the queue keeps the order of a group.
	Ordered bool
	// Marks says how many attributes a body needs beside the message's own, to say in which form it
	// is stored; nil means none.
	Marks func(body []byte) int
}

// Spare says how many attributes may be added to m.
func (l Limits) Spare(m *message.Message) int {
	n := l.Attributes - len(m.Attributes) - len(m.BinaryAttributes)
	if l.Marks != nil {
		n -= l.Marks(m.Body)
	}
	return max(n, 0)
}

// A Why says why a message was refused.
type Why uint8

const (
	// NotNow means that the queue may take the same message at another time: it is throttled, away,
	// full, or does not let us in.
	NotNow Why = iota
	// TooLarge means that the message is beyond what the queue holds.
	TooLarge
	// Unsupported means that the queue has no place for something of the message: a delay, an
	// attribute, a group, a form of body.
	Unsupported
)

// A Refusal is the error of a message that is not stored.
type Refusal struct {
	Why Why
	Err error
}

// Error says the cause.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Checks is what Check returns where its publisher has found err in a message; nil for nil.
func Checks(why Why, err error) error {
	if err == nil {
		return nil
	}
	return &Refusal{Why: why, Err: err}
}

// Refuse is the Result of a message that is not stored.
func Refuse(why Why, err error) Result { return Result{Err: &Refusal{Why: why, Err: err}} }

// IsRefused reports whether err says that the message is not stored.
func IsRefused(err error) bool {
	var r *Refusal
	return errors.As(err, &r)
}

// IsPermanent reports whether err says that the queue will never store the message.
func IsPermanent(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Why != NotNow
}

// WhyOf returns why a message was refused. It is NotNow too for an error that is no refusal: ask
// IsRefused first.
func WhyOf(err error) Why {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Why
	}
	return NotNow
}
