package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"carrier/internal/queue"
)

// A problem is an answer that stores nothing, as RFC 9457 writes it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	header http.Header
	closes bool // the connection
}

func newProblem(status int, detail string) *problem {
	return &problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, header: http.Header{},
	}
}

func (p *problem) with(name, value string) *problem {
	p.header.Set(name, value)
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
)

func methodNotAllowed(method string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "requests of method "+strconv.Quote(method)+" are not stored").
		with("Allow", "POST, PUT, PATCH, DELETE")
}

func unauthorized() *problem {
	return newProblem(http.StatusUnauthorized, "the bearer token is missing or wrong").
		with("WWW-Authenticate", `Bearer realm="carrier"`).closing()
}

func tooLarge(limit int64) *problem {
	return newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", limit)).closing()
}

func tooSlow() *problem {
	return newProblem(http.StatusRequestTimeout, "the body did not arrive in time").closing()
}

func cutOff() *problem {
	return newProblem(http.StatusBadRequest, "the body is cut off or malformed").closing()
}

func badHeader(name, allowed string) *problem {
	return newProblem(http.StatusBadRequest, name+": "+allowed)
}

func longHead() *problem {
	return newProblem(http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("the head is longer than %d bytes", maxHeaderBytes))
}

// malformed is the answer to an error of net/http's parser, which tells the producer's
// faults apart by text only.
func malformed(err error) *problem {
	if strings.HasPrefix(err.Error(), "unsupported transfer encoding") {
		return newProblem(http.StatusNotImplemented, "no transfer coding but chunked is known")
	}
	return newProblem(http.StatusBadRequest, "not a request of HTTP/1.1")
}

func versionNotSupported() *problem {
	return newProblem(http.StatusHTTPVersionNotSupported, "HTTP/1.1 is spoken here")
}

func expectationFailed() *problem {
	return newProblem(http.StatusExpectationFailed, "nothing but 100-continue can be expected")
}

func stopping() *problem {
	return newProblem(http.StatusServiceUnavailable, "stopping").retryAfter(afterStop).closing()
}

func broken() *problem {
	return newProblem(http.StatusServiceUnavailable, "the message was not acknowledged by the disk").
		retryAfter(afterDiskFull).closing()
}

// refused is the answer to an error of the queue.
func refused(err error) *problem {
	switch {
	case errors.Is(err, queue.ErrDiskFull):
		return newProblem(http.StatusServiceUnavailable, "the disk is full").retryAfter(afterDiskFull)
	case errors.Is(err, queue.ErrFull):
		return newProblem(http.StatusServiceUnavailable, "the queue is full").retryAfter(afterFull)
	case errors.Is(err, queue.ErrKeyReused):
		return newProblem(http.StatusUnprocessableEntity, "the idempotency key belongs to a message with another body")
	case errors.Is(err, queue.ErrClosed):
		return stopping()
	default:
		return broken()
	}
}
