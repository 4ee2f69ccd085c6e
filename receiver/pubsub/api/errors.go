package api

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"carrier/receiver"
)

// sortError makes err one of the receiver's: what was being done, and its class.
func sortError(operation string, err error) *receiver.Error {
	return &receiver.Error{Operation: operation, Class: classOf(status.Code(err)), Err: err}
}

// classOf sorts the codes of https://cloud.google.com/pubsub/docs/reference/error-codes.
func classOf(code codes.Code) receiver.Class {
	switch code {
	case codes.NotFound:
		return receiver.NotFound
	case codes.PermissionDenied:
		return receiver.Denied
	case codes.Unauthenticated:
		return receiver.Credentials
	case codes.ResourceExhausted:
		return receiver.Throttled
	case codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Aborted, codes.Canceled:
		return receiver.Network
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented:
		return receiver.Invalid
	}
	return receiver.Other
}

// TimedOut reports whether err says that a call took too long.
func TimedOut(err error) bool { return status.Code(err) == codes.DeadlineExceeded }

// Invalid is an error of the configuration.
func Invalid(format string, a ...any) error {
	return &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: fmt.Errorf(format, a...)}
}
