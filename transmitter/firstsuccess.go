package transmitter

import (
	"context"
	"net/http"
	"sync/atomic"

	"carrier/message"
)

// UntilFirstSuccess takes a rejection by one of the statuses 401, 403, 404 and 405 for a failed
// attempt until the worker has once answered with a 2xx: until then it is likely that the endpoint
// is not the right one, or its credential, and no message should be lost for that. doubt is told of
// the first such status, and of no other; it must not block. A worker that asks for a dead letter
// by name gets it.
//
// It belongs inside GiveUp, which counts the failed attempts.
func UntilFirstSuccess(doubt func(status int)) Middleware {
	return func(next Transmitter) Transmitter { return &firstSuccess{Transmitter: next, doubt: doubt} }
}

type firstSuccess struct {
	Transmitter
	doubt     func(status int)
	succeeded atomic.Bool
	doubted   atomic.Bool
}

func (f *firstSuccess) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	o := f.Transmitter.Transmit(ctx, m)
	switch {
	case f.succeeded.Load():
	case o.Status/100 == 2, o.TokenVerdict != message.NoToken:
		f.succeeded.Store(true)
	case o.Verdict == message.Rejected && o.Action != message.DeadLetter && isWrongEndpoint(o.Status):
		o.Verdict, o.Cause = message.Retry, message.Failed
		if !f.doubted.Swap(true) {
			f.doubt(o.Status)
		}
	}
	return o
}

// isWrongEndpoint reports whether status is what a server answers where a path, a method or a
// credential is wrong, whatever the message is.
func isWrongEndpoint(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return true
	}
	return false
}
