package pubsub

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"carrier/receiver"
)

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
