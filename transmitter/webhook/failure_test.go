package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/http1"
	"carrier/message"
)

func TestWhatWasNotSentIsNoAttempt(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "unix", Err: err} }
	connect := func(errno syscall.Errno) error { return dial(os.NewSyscallError("connect", errno)) }
	for reason, err := range map[string]error{
		"connection refused":               connect(syscall.ECONNREFUSED),
		"connection reset by peer":         connect(syscall.ECONNRESET),
		"resource temporarily unavailable": connect(syscall.EAGAIN), // a full backlog; it calls itself a timeout
		"no such file or directory":        connect(syscall.ENOENT),
		"too many open files":              dial(os.NewSyscallError("socket", syscall.EMFILE)),
		"timed out":                        dial(os.ErrDeadlineExceeded),
		"no such host":                     dial(&net.DNSError{Err: "no such host", Name: "worker.test"}),
		"tls: bad":                         &http1.HandshakeError{Err: errors.New("tls: bad")},
		"tls: connection closed":           &http1.HandshakeError{Err: io.EOF},
		"tls: timed out":                   &http1.HandshakeError{Err: context.DeadlineExceeded},
	} {
		o := failure(t.Context(), &http1.UnsentError{Err: err})
		want := message.Outcome{Cause: message.Unreached, Code: "refused", Reason: "worker not reached: " + reason}
		if o != want {
			t.Errorf("%v: %+v, want %+v", err, o, want)
		}
	}
}

func TestStopBeforeAnythingWasSentGivesTheMessageBack(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if o := failure(ctx, &http1.UnsentError{Err: ctx.Err()}); o != notPosted() {
		t.Errorf("outcome %+v", o)
	}
	if o := failure(ctx, ctx.Err()); o.Cause != message.Failed || !strings.Contains(o.Reason, "the drain time is over") {
		t.Errorf("after something was sent: %+v", o)
	}
}
