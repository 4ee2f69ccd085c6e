package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"carrier/internal/egress"
	"carrier/internal/http1"
	"carrier/message"
)

// The codes of attempts that brought no complete answer; codeRefused is of those that were none, since
// nothing could be sent.
const (
	codeTimeout = "timeout"
	codeRefused = "refused"
	codeError   = "error"
)

// failure is the outcome of a request that brought no complete answer. ctx is the request's own.
func failure(ctx context.Context, err error) message.Outcome {
	o := message.Outcome{Cause: message.Failed, Code: codeError}
	var unsent *http1.UnsentError
	isUnsent := errors.As(err, &unsent)
	switch {
	case isRefusedAddress(err):
		return message.Outcome{Verdict: message.Rejected, Reason: "not posted: " + inShort(err)}
	case ctx.Err() != nil && isUnsent:
		return notPosted()
	case ctx.Err() != nil:
		o.Reason = "cut off: the drain time is over"
	case isUnsent:
		o.Cause, o.Code, o.Reason = message.Unreached, codeRefused, "worker not reached: "+inShort(unsent.Err)
	case isTimeout(err):
		o.Code, o.Reason = codeTimeout, "worker gave no answer in time"
	default:
		o.Reason = "no complete answer: " + inShort(err)
	}
	return o
}

// notPosted is the outcome of a message that the stop came before.
func notPosted() message.Outcome { return message.Outcome{Reason: "not posted: stopping"} }

// isRefusedAddress reports whether err is of an address that may not be connected to.
func isRefusedAddress(err error) bool {
	var refused *egress.RefusedError
	return errors.As(err, &refused)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// inShort names err without what came over the wire: a malformed answer is quoted in net/http's
// errors, and may hold anything.
func inShort(err error) string {
	var handshake *http1.HandshakeError
	if errors.As(err, &handshake) {
		return "tls: " + known(handshake.Err, strings.TrimPrefix(handshake.Err.Error(), "tls: "))
	}
	return known(err, "malformed answer or broken connection")
}

// known names err if it is one that says nothing of what came over the wire, else it is otherwise.
func known(err error, otherwise string) string {
	var (
		errno   syscall.Errno
		dns     *net.DNSError
		refused *egress.RefusedError
		proxy   *egress.ProxyError
	)
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &proxy):
		return proxy.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &dns):
		return dns.Err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	case isTimeout(err):
		return "timed out"
	default:
		return otherwise
	}
}
