package request

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/queue"
)

// A Problem is an answer that stores nothing.
type Problem struct {
	httpapi.Problem
	// Closes says that the connection is closed after it.
	Closes bool
}

// NewProblem is an answer of that status; detail says what was wrong.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Problem: httpapi.Problem{Status: status, Detail: detail, Header: http.Header{}}}
}

func (p *Problem) with(name, value string) *Problem {
	p.Header.Set(name, value)
	return p
}

// closing is for what leaves part of a request unread.
func (p *Problem) closing() *Problem {
	p.Closes = true
	return p
}

// retryAfter is in whole seconds, at least one.
func (p *Problem) retryAfter(d time.Duration) *Problem {
	return p.with("Retry-After", strconv.Itoa(max(1, int(d/time.Second))))
}

// Limits of a request's head.
const (
	// MaxHeadBytes is the longest head, in bytes.
	MaxHeadBytes = 32 << 10
	// HeadTimeout is the time for a request's head, a TLS handshake before it included. On a new
	// connection it begins with the connection: the first request must come within it.
	HeadTimeout = 10 * time.Second
)

// How long a producer is asked to wait.
const (
	afterFull     = 5 * time.Second
	afterDiskFull = 30 * time.Second
	afterStop     = 5 * time.Second
	afterOffline  = 30 * time.Second
)

// MethodNotAllowed refuses a method.
func MethodNotAllowed(method string) *Problem {
	return NewProblem(http.StatusMethodNotAllowed, "requests of method "+strconv.Quote(method)+" are not stored").
		with("Allow", "POST, PUT, PATCH, DELETE")
}

// NoSubscriber is for a path that no subscription gets.
func NoSubscriber() *Problem {
	return NewProblem(http.StatusNotFound, "nobody subscribes to this path; nothing is stored")
}

// Unauthorized refuses a request without a credential; signed says that a signature is one.
func Unauthorized(signed bool) *Problem {
	p := &Problem{Problem: httpapi.Unauthorized()}
	if signed {
		p.Detail = "no signature by Standard Webhooks that can be accepted: a key that is not known, another body, or a timestamp " +
			"more than five minutes off; nor the bearer token, if there is one"
	}
	return p.closing()
}

// TooLarge refuses a body that is longer than limit, in bytes.
func TooLarge(limit int64) *Problem {
	return NewProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", limit)).closing()
}

// TooSlow gives up waiting for a body.
func TooSlow() *Problem {
	return NewProblem(http.StatusRequestTimeout, "the body did not arrive in time").closing()
}

// TooManyBodies refuses a body that no memory is left for.
func TooManyBodies() *Problem {
	return NewProblem(http.StatusServiceUnavailable, "too many large bodies are being received").
		retryAfter(afterFull).closing()
}

// CutOff is for a body that cannot be read to its end.
func CutOff() *Problem {
	return NewProblem(http.StatusBadRequest, "the body is cut off or malformed").closing()
}

func badHeader(name, allowed string) *Problem {
	return NewProblem(http.StatusBadRequest, name+": "+allowed)
}

// Malformed is the answer to what is no request that could be stored. Net/http tells of most
// such faults by their status alone.
func Malformed(status int) *Problem {
	detail := "this is not a well-formed request of HTTP/1.1 with one Host"
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		detail = fmt.Sprintf("the head is longer than %d bytes", MaxHeadBytes)
	case http.StatusRequestTimeout:
		detail = fmt.Sprintf("the head did not arrive within %v", HeadTimeout)
	case http.StatusNotImplemented:
		detail = "no transfer coding but chunked is known"
	case http.StatusHTTPVersionNotSupported:
		detail = "HTTP/1.1 and HTTP/1.0 are spoken here"
	case http.StatusExpectationFailed:
		detail = "nothing but 100-continue can be expected"
	}
	return NewProblem(status, detail).closing()
}

// Stopping is the answer while carrier stops.
func Stopping() *Problem {
	return NewProblem(http.StatusServiceUnavailable, "stopping").retryAfter(afterStop).closing()
}

// NotAcknowledged is for a message of which nobody knows whether it was stored.
func NotAcknowledged() *Problem {
	return NewProblem(http.StatusServiceUnavailable, "the message was not acknowledged by the disk").
		retryAfter(afterDiskFull).closing()
}

// NotStored is for a message that the queue has not confirmed; certain says that it is not stored.
func NotStored(certain bool) *Problem {
	p := NewProblem(http.StatusServiceUnavailable, "the queue has not answered in time: the message may be stored; send it again with the same Idempotency-Key")
	p.Type = "urn:carrier:unknown"
	if certain {
		p.Type, p.Detail = "urn:carrier:not-stored", "the queue takes no messages at present; nothing is stored"
	}
	return p.retryAfter(afterFull)
}

// NeverStored is for a message that the queue cannot hold, and err says why.
func NeverStored(tooLarge bool, err error) *Problem {
	if tooLarge {
		return NewProblem(http.StatusRequestEntityTooLarge, err.Error())
	}
	return NewProblem(http.StatusBadRequest, err.Error())
}

// NoTimeout is for a message whose timeout nobody would keep.
func NoTimeout() *Problem { return badHeader(timeoutHeader, "a queue does not keep it") }

// Refused is the answer to an error of the queue.
func Refused(err error) *Problem {
	switch {
	case errors.Is(err, queue.ErrKeyReused):
		return NewProblem(http.StatusUnprocessableEntity,
			"the idempotency key was used within ten minutes for another body with this method and path; nothing is stored")
	case errors.Is(err, queue.ErrDiskFull):
		return NewProblem(http.StatusServiceUnavailable, "the disk is full").retryAfter(afterDiskFull)
	case errors.Is(err, queue.ErrKeysFull):
		return NewProblem(http.StatusServiceUnavailable, "too many idempotency keys are remembered").retryAfter(afterFull)
	case errors.Is(err, queue.ErrOffline):
		return NewProblem(http.StatusServiceUnavailable, "all subscribers of this path are offline").retryAfter(afterOffline)
	case errors.Is(err, queue.ErrFull):
		return NewProblem(http.StatusServiceUnavailable, "the queue is full").retryAfter(afterFull)
	case errors.Is(err, queue.ErrClosed):
		return Stopping()
	default:
		return NotAcknowledged()
	}
}
