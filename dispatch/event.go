package dispatch

import (
	"time"

	"carrier/message"
)

// A Kind says what an Event tells of.
type Kind uint8

const (
	// SourceUp means that the source was reached, for the first time or again.
	SourceUp Kind = iota + 1
	// SourceDown means that the source is in trouble; Err says why. Sent when the trouble
	// begins and when its class changes, not for each failed call.
	SourceDown
	// Polled means that a receive call returned with Count messages, or with none and no error.
	Polled
	// Attempted means that one Transmit is over, after Took. Outcome.Code is empty where
	// nothing was tried.
	Attempted
	// Settled means that the lease of Message is over, settled as Outcome says or lost
	// (Err is receiver.ErrLeaseLost or wraps it). Sent once for each message.
	Settled
	// SettleFailed means that one try to settle Message failed with Err and is made again.
	SettleFailed
	// Extended means that one lease was renewed, or Err says why not.
	Extended
	// Redelivered means that the source handed out a message that is still in hand,
	// or, where Outcome says delivered, that the worker had accepted before; it is not
	// posted again.
	Redelivered
	// Stopping means that no message is received from here on.
	Stopping
	// Abandoned means that the drain time is over and the worker has not answered for the
	// messages named in IDs; they are left to their leases.
	Abandoned
	// Panicked means that something panicked while Message was in hand; Err holds it.
	Panicked
)

// An Event is one thing that happened, for metrics and logs. Only the fields its
// Kind names are set.
type Event struct {
	Kind    Kind
	Message *message.Message
	Outcome message.Outcome
	Took    time.Duration
	Count   int
	Err     error
	IDs     []string
}

// Lost reports whether e ends a message without the source's word: its lease ran
// out or was taken away, or it was left to its lease.
func (e Event) Lost() bool { return e.Kind == Settled && e.Err != nil }

// LeftToRedrive reports whether e settles a message at its last receive without ending it: the
// source's redrive policy moves it to Message.RedriveTo.
func (e Event) LeftToRedrive() bool {
	return e.Kind == Settled && e.Err == nil && e.Message != nil && e.Message.RedriveTo != "" && !e.Outcome.Ends()
}
