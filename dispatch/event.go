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
	// SourceDown means that opening or receiving fails; Err says why. Sent when the failures begin
	// and when their class changes.
	SourceDown
	// Polled means that a receive call returned with Count messages, or with none and no error.
	Polled
	// Attempted means that one Transmit is over, after Took. Outcome.Code is empty where nothing
	// was tried.
	Attempted
	// Settled means that Message is no longer in flight: settled as Outcome says, which took Took, or
	// lost, where Err says why. Sent once for each message.
	Settled
	// SettleFailed means that one try to settle Message failed with Err and is made again.
	SettleFailed
	// Extended means that one lease was renewed, or Err says why not.
	Extended
	// Redelivered means that the source handed out a message that is still in flight, or, where
	// Outcome says delivered, one that was settled before; it is not posted again.
	Redelivered
	// Stopping means that no message is received from here on.
	Stopping
	// Abandoned means that the drain time is over and the worker has not answered for the messages
	// named in IDs; they are left to their leases.
	Abandoned
	// Panicked means that something panicked while Message was in flight; Err holds it.
	Panicked
)

// An Event is one thing that happened, for metrics and logs. Only the fields its Kind names are
// set.
type Event struct {
	Kind    Kind
	Message *message.Message
	Outcome message.Outcome
	Took    time.Duration
	Count   int
	Err     error
	IDs     []string
}

// LeftToRedrive reports whether e ends the last receive of a message that has not left its queue:
// the source's own redrive policy moves it to Message.RedriveTo, and Outcome.Delay means nothing.
func (e Event) LeftToRedrive() bool {
	return e.Kind == Settled && e.Message.RedriveTo != "" && !e.Outcome.Ends()
}

// Lost reports whether e ends a message without the source's word: its lease ran out or was taken
// away, or it was left to its lease.
func (e Event) Lost() bool { return e.Kind == Settled && e.Err != nil }

// The causes of a Redelivered event, as metrics and logs name them.
const (
	// DuplicateInFlight is a message that came again while the earlier hand-out was in flight.
	DuplicateInFlight = "in_flight"
	// DuplicateUndeleted is one that came again after its end was decided: the source has not
	// confirmed that it was removed.
	DuplicateUndeleted = "undeleted"
)

// Duplicate names why the message of a Redelivered event came although it was known.
func (e Event) Duplicate() string {
	if e.Outcome.Ends() {
		return DuplicateUndeleted
	}
	return DuplicateInFlight
}
