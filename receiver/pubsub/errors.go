package pubsub

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
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

func timedOut(err error) bool { return status.Code(err) == codes.DeadlineExceeded }

// invalid is an error of the configuration.
func invalid(format string, a ...any) error {
	return &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: fmt.Errorf(format, a...)}
}

// permanentFailure begins the reason why an ack id is good for nothing any more; every other
// reason, as TRANSIENT_FAILURE_*, may pass.
const permanentFailure = "PERMANENT_FAILURE_"

// entryErrors returns one error for each ack id of a call that ended with err. A subscription that
// delivers exactly once names in the details of its error what became of single ids. An id that is
// not named there has failed with the call as far as anybody knows.
func entryErrors(operation string, err error, ids []string) []error {
	errs := make([]error, len(ids))
	if err == nil {
		return errs
	}
	reasons := reasonsOf(err)
	for i, id := range ids {
		errs[i] = err
		reason, named := reasons[id]
		switch {
		case !named:
		case strings.HasPrefix(reason, permanentFailure):
			errs[i] = &receiver.Error{Operation: operation, Class: receiver.Invalid, Err: fmt.Errorf("%w: %s", receiver.ErrLeaseLost, reason)}
		default:
			errs[i] = &receiver.Error{Operation: operation, Class: receiver.Network, Err: fmt.Errorf("%s", reason)}
		}
	}
	return errs
}

// reasonsOf reads the reasons by ack id off an error's details.
func reasonsOf(err error) map[string]string {
	reasons := map[string]string{}
	s, _ := status.FromError(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			for id, reason := range info.GetMetadata() {
				reasons[id] = reason
			}
		}
	}
	return reasons
}
