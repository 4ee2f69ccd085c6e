package message

import "time"

// A Verdict says what is to become of a message.
type Verdict uint8

const (
	// Retry gives the message back to its source. It is the zero value: a decision that was
	// forgotten never loses a message.
	Retry Verdict = iota
	// Delivered removes the message: the worker accepted it.
	Delivered
	// Rejected means that trying again is of no use; Action says what follows.
	Rejected
)

// A Cause says why a message is to be retried.
type Cause uint8

const (
	// Returned means that the message was not handed to the worker at all.
	Returned Cause = iota
	// Deferred means that the worker asked for it again after Delay.
	Deferred
	// Failed means that the attempt failed, or nobody knows how it went.
	Failed
	// Unreached means that the worker could not be connected to. No attempt was made, and the
	// message may be tried again under the same lease once it can.
	Unreached
)

// An Action says what becomes of a rejected message.
type Action uint8

const (
	// Redrive leaves the message to the source: it comes back after Delay, until the source's own
	// redrive policy takes it away.
	Redrive Action = iota
	// DeadLetter moves the message to where dead letters are kept.
	DeadLetter
	// Drop removes the message.
	Drop
)

// String names a as the configuration does: retry, dead-letter or drop.
func (a Action) String() string {
	switch a {
	case DeadLetter:
		return "dead-letter"
	case Drop:
		return "drop"
	default:
		return "retry"
	}
}

// A TokenVerdict is the verdict that the worker gave on a message by its token.
type TokenVerdict uint8

const (
	// NoToken means that the worker's answer has said what becomes of the message.
	NoToken TokenVerdict = iota
	// NoVerdict means that the worker promised a verdict and gave none in time.
	NoVerdict
	// AckByToken means that the worker accepted the message.
	AckByToken
	// RetryByToken means that the worker asked for the message again.
	RetryByToken
	// DeadLetterByToken means that the worker asked for the message to be dead-lettered.
	DeadLetterByToken
)

// String names v as the log and the audit trail do: none, ack, retry, dead-letter, or nothing for
// NoToken.
func (v TokenVerdict) String() string {
	return [...]string{"", "none", "ack", "retry", "dead-letter"}[v]
}

// An Outcome is the word on one message, from the transmitter to the receiver. The zero value gives
// the message back at once.
//
// It is handed on by value through every layer of a POST: with 32 bytes more, the stack of each such
// goroutine took 16 KiB in place of 8. A test holds its size.
type Outcome struct {
	Verdict Verdict
	// Cause is the reason of a Retry.
	Cause Cause
	// Action is what a Rejected message becomes.
	Action Action
	// Along says that the attempt was made in the same request as another message's, which stands for
	// it where requests are counted.
	Along bool
	// TokenVerdict is the verdict that the worker gave by token.
	TokenVerdict TokenVerdict
	// Delay is how long the message stays hidden when it goes back (Retry, or Rejected with
	// Redrive). A receiver shortens it to what its source allows.
	Delay time.Duration
	// Status is the worker's HTTP status; 0 when there was no complete answer.
	Status int
	// Code labels an attempt that was made: "2xx" and the like, "timeout", "refused" or "error".
	// Empty when nothing was tried.
	Code string
	// Endpoint is where an attempt went to, without user, password and query. Empty when nothing was
	// tried, or where there is no such place.
	Endpoint string
	// Attempted is when the attempt began, and Took how long it took; zero when nothing was tried.
	// The dispatcher sets them where the transmitter has not.
	Attempted time.Time
	Took      time.Duration
	// Later is how long the worker may still take to settle the message by its token, where it has
	// answered that it will: what becomes of the message is not known yet, and whoever knows the tokens
	// waits for it. Zero in the outcome that Transmit returns to the dispatcher.
	Later time.Duration
	// Held is how long after the attempt began TokenVerdict was known; zero where that is NoToken.
	Held time.Duration
	// Reason says in a few words why the message was not delivered, for logs and dead letters. It
	// holds nothing of the body, of a header's value, or of a secret.
	Reason string
}

// Ends reports whether the message leaves its queue for good once the source has agreed to o.
func (o Outcome) Ends() bool {
	return o.Verdict == Delivered || o.Verdict == Rejected && o.Action != Redrive
}

// Label is o's name in metrics and logs: delivered, deferred, failed, rejected or returned. A lease
// that was lost has no outcome and is named by who counts it.
func (o Outcome) Label() string {
	switch {
	case o.Verdict == Delivered:
		return "delivered"
	case o.Verdict == Rejected:
		return "rejected"
	case o.Cause == Deferred:
		return "deferred"
	case o.Cause == Failed:
		return "failed"
	default:
		return "returned"
	}
}
