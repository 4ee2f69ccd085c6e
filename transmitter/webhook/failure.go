package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"carrier/message"
)

// The codes of attempts that brought no complete answer.
const (
	codeTimeout = "timeout"
	codeRefused = "refused"
	codeError   = "error"
)

// failure is the outcome of a request that brought no complete answer. ctx is the
// request's own.
func failure(ctx context.Context, err error) message.Outcome {
	o := message.Outcome{Cause: message.Failed, Code: codeError}
	cause := context.Cause(ctx)
	switch {
	case cause == nil && isTimeout(err):
		o.Code, o.Reason = codeTimeout, "worker gave no answer in time"
	case cause != nil:
		o.Reason = "cut off by the stop"
	case isDial(err):
		o.Cause, o.Code, o.Reason = message.Unreached, codeRefused, "worker not reached: "+inShort(err)
	default:
		o.Reason = "no complete answer: " + inShort(err)
	}
	return o
}

// isDial reports whether err came before there was a connection, so that nothing can
// have been posted.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// inShort names err without what came over the wire: a malformed answer is quoted in
// net/http's errors, and may hold anything.
func inShort(err error) string {
	var (
		errno     syscall.Errno
		dns       *net.DNSError
		handshake *handshakeError
	)
	switch {
	case errors.As(err, &handshake):
		return handshake.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &dns):
		return dns.Err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	default:
		return "malformed answer or broken connection"
	}
}
