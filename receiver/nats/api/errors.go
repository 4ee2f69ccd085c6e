package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/receiver"
)

// sortError makes err one of the receiver's: what was being done, its class, and JetStream's code.
func sortError(operation string, err error) *receiver.Error {
	e := &receiver.Error{Operation: operation, Class: classOf(err), Err: err}
	if api := apiError(err); api != nil {
		e.Code = strconv.Itoa(int(api.ErrorCode))
	}
	return e
}

// Invalid is an error of the configuration.
func Invalid(format string, a ...any) error {
	return &receiver.Error{Operation: OpConnect, Class: receiver.Invalid, Err: fmt.Errorf(format, a...)}
}

func apiError(err error) *jetstream.APIError {
	var (
		api  *jetstream.APIError
		errJ jetstream.JetStreamError
	)
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &errJ):
		return errJ.APIError()
	}
	return nil
}

// isTimeout reports whether err says that no answer came.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
}

func anyOf(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func classOf(err error) receiver.Class {
	var network net.Error
	switch {
	case anyOf(err, nats.ErrPermissionViolation):
		return receiver.Denied
	case anyOf(err, nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired, nats.ErrNoUserCB, fs.ErrNotExist, fs.ErrPermission):
		return receiver.Credentials
	case anyOf(err, jetstream.ErrConsumerNotFound, jetstream.ErrStreamNotFound, jetstream.ErrConsumerDeleted, jetstream.ErrConsumerDoesNotExist):
		return receiver.NotFound
	case anyOf(err, jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount, nats.ErrMaxPayload, nats.ErrBadSubject,
		jetstream.ErrInvalidStreamName, jetstream.ErrInvalidConsumerName, jetstream.ErrInvalidSubject):
		return receiver.Invalid
	case isTimeout(err), errors.As(err, &network), anyOf(err, nats.ErrNoResponders, nats.ErrNoServers, nats.ErrConnectionClosed, nats.ErrDisconnected,
		nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting, nats.ErrStaleConnection, jetstream.ErrServerShutdown, jetstream.ErrConsumerLeadershipChanged,
		jetstream.ErrNoHeartbeat, jetstream.ErrNoStreamResponse):
		return receiver.Network
	}
	if api := apiError(err); api != nil {
		return classOfStatus(api.Code)
	}
	return receiver.Other
}

// classOfStatus sorts a status of JetStream's, which are those of HTTP.
func classOfStatus(status int) receiver.Class {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return receiver.Denied
	case status == http.StatusNotFound:
		return receiver.NotFound
	case status == http.StatusTooManyRequests:
		return receiver.Throttled
	case status >= 400 && status < 500:
		return receiver.Invalid
	}
	return receiver.Network
}

// IsRefusal reports whether err, of a publish, says that nothing is stored: nobody listens, the
// stream says no, it is not allowed, or there is no connection to send it over. Of one that was not
// answered nobody knows.
func IsRefusal(err error) bool {
	return apiError(err) != nil || anyOf(err, nats.ErrPermissionViolation, nats.ErrNoResponders, jetstream.ErrNoStreamResponse, nats.ErrConnectionClosed,
		nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting, nats.ErrMaxPayload, nats.ErrBadSubject, nats.ErrInvalidConnection)
}

// tooLarge is JetStream's code of a message that is larger than its stream takes.
const tooLarge = 10054

// IsTooLarge reports whether err says that the message is larger than the server or the stream takes.
func IsTooLarge(err error) bool {
	api := apiError(err)
	return errors.Is(err, nats.ErrMaxPayload) || api != nil && api.ErrorCode == tooLarge
}
