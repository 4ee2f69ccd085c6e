package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/queue"
)

// A problem is an answer that stores nothing.
type problem struct {
	httpapi.Problem
	closes bool // the connection, after it
}

func newProblem(status int, detail string) *problem {
	return &problem{Problem: httpapi.Problem{Status: status, Detail: detail, Header: http.Header{}}}
}

func (p *problem) with(name, value string) *problem {
	p.Header.Set(name, value)
	return p
}

// closing is for what leaves part of a request unread.
func (p *problem) closing() *problem {
	p.closes = true
	return p
}

// retryAfter is in whole seconds, at least one.
func (p *problem) retryAfter(d time.Duration) *problem {
	return p.with("Retry-After", strconv.Itoa(max(1, int(d/time.Second))))
}

// How long a producer is asked to wait.
const (
	afterFull     = 5 * time.Second
	afterDiskFull = 30 * time.Second
	afterStop     = 5 * time.Second
	afterOffline  = 30 * time.Second
)

func methodNotAllowed(method string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "requests of method "+strconv.Quote(method)+" are not stored").
		with("Allow", "POST, PUT, PATCH, DELETE")
}

func noSubscriber() *problem {
	return newProblem(http.StatusNotFound, "nobody subscribes to this path; nothing is stored")
}

func unauthorized(signed bool) *problem {
	p := &problem{Problem: httpapi.Unauthorized()}
	if signed {
		p.Detail = "no signature by Standard Webhooks that can be accepted: a key that is not known, another body, or a timestamp " +
			"more than five minutes off; nor the bearer token, if there is one"
	}
	return p.closing()
}

func tooLarge(limit int64) *problem {
	return newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", limit)).closing()
}

func tooSlow() *problem {
	return newProblem(http.StatusRequestTimeout, "the body did not arrive in time").closing()
}

func tooManyBodies() *problem {
	return newProblem(http.StatusServiceUnavailable, "too many large bodies are being received").
		retryAfter(afterFull).closing()
}

func cutOff() *problem {
	return newProblem(http.StatusBadRequest, "the body is cut off or malformed").closing()
}

func badHeader(name, allowed string) *problem {
	return newProblem(http.StatusBadRequest, name+": "+allowed)
}

// malformed is the answer to what is no request that could be stored. Net/http tells of most
// such faults by their status alone.
func malformed(status int) *problem {
	detail := "this is not a well-formed request of HTTP/1.1 with one Host"
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		detail = fmt.Sprintf("the head is longer than %d bytes", maxHeaderBytes)
	case http.StatusRequestTimeout:
		detail = fmt.Sprintf("the head did not arrive within %v", headTimeout)
	case http.StatusNotImplemented:
		detail = "no transfer coding but chunked is known"
	case http.StatusHTTPVersionNotSupported:
		detail = "HTTP/1.1 and HTTP/1.0 are spoken here"
	case http.StatusExpectationFailed:
		detail = "nothing but 100-continue can be expected"
	}
	return newProblem(status, detail).closing()
}

func stopping() *problem {
	return newProblem(http.StatusServiceUnavailable, "stopping").retryAfter(afterStop).closing()
}

func notAcknowledged() *problem {
	return newProblem(http.StatusServiceUnavailable, "the message was not acknowledged by the disk").
		retryAfter(afterDiskFull).closing()
}

// refused is the answer to an error of the queue.
func refused(err error) *problem {
	switch {
	case errors.Is(err, queue.ErrKeyReused):
		return newProblem(http.StatusUnprocessableEntity,
			"the idempotency key was used within ten minutes for another body with this method and path; nothing is stored")
	case errors.Is(err, queue.ErrDiskFull):
		return newProblem(http.StatusServiceUnavailable, "the disk is full").retryAfter(afterDiskFull)
	case errors.Is(err, queue.ErrKeysFull):
		return newProblem(http.StatusServiceUnavailable, "too many idempotency keys are remembered").retryAfter(afterFull)
	case errors.Is(err, queue.ErrOffline):
		return newProblem(http.StatusServiceUnavailable, "all subscribers of this path are offline").retryAfter(afterOffline)
	case errors.Is(err, queue.ErrFull):
		return newProblem(http.StatusServiceUnavailable, "the queue is full").retryAfter(afterFull)
	case errors.Is(err, queue.ErrClosed):
		return stopping()
	default:
		return notAcknowledged()
	}
}
