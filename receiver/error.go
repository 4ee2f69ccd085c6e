package receiver

import (
	"errors"
	"fmt"
)

// What Settle and Extend say beside the source's own errors.
var (
	// ErrLeaseLost means the message is no longer ours: the lease ran out or was taken away, or the
	// source will extend it no further.
	ErrLeaseLost = errors.New("lease lost")
	// ErrNoDeadLetter means there is no place for dead letters; the message is still under its
	// lease.
	ErrNoDeadLetter = errors.New("no dead-letter destination")
	// ErrNotRemoved means that the dead letter is kept where dead letters go, and that only the
	// removal of the message from its queue has failed. Settle wraps it with the cause.
	ErrNotRemoved = errors.New("the dead letter is sent, the message not removed")
)

// A Class sorts a source's errors by what can be done about them.
type Class string

// The classes, named as they appear in metrics.
const (
	// Throttled means that the source asks for fewer calls; waiting helps.
	Throttled Class = "throttled"
	// Credentials means that there are none, or they are expired or wrong.
	Credentials Class = "credentials"
	// Denied means that the credentials are good and may not do this.
	Denied Class = "denied"
	// NotFound means that the queue does not exist.
	NotFound Class = "not_found"
	// Network means that the source was not reached, or broke off; waiting helps.
	Network Class = "network"
	// Invalid means that the request is one the source will never accept.
	Invalid Class = "invalid"
	// Broken means that the source is damaged and nothing it says may be believed any more; the
	// program must stop.
	Broken Class = "broken"
	// Other is everything else.
	Other Class = "other"
)

// Classes lists every class, for metrics that are there from the start.
func Classes() []Class {
	return []Class{Throttled, Credentials, Denied, NotFound, Network, Invalid, Broken, Other}
}

// An Error is a source's error with what was being done and what kind it is.
type Error struct {
	Operation string
	Class     Class
	// Code is the source's own name for the error, as QueueDoesNotExist, or the HTTP status of an
	// answer that gives none, as 502. Empty where there is neither. It holds nothing secret.
	Code string
	Err  error
}

// Error names the operation and the cause.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Operation, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns err's class, and Other for an error that has none.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Other
}

// CodeOf returns err's code, and an empty text for an error that has none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
