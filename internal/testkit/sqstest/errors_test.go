package sqstest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/smithy-go"

	"carrier/internal/testkit/sqstest"
)

func TestErrorsHaveTheirNamesInBothProtocols(t *testing.T) {
	for want, e := range map[string]*sqstest.Error{
		"AWS.SimpleQueueService.NonExistentQueue": sqstest.QueueDoesNotExist(),
		"RequestThrottled":                        sqstest.RequestThrottled(),
		"ThrottlingException":                     sqstest.ThrottlingException(),
		"OverLimit":                               sqstest.OverLimit(),
		"InvalidClientTokenId":                    sqstest.InvalidClientToken(),
		"ExpiredToken":                            sqstest.ExpiredToken(),
		"SignatureDoesNotMatch":                   sqstest.SignatureDoesNotMatch(),
		"AccessDenied":                            sqstest.AccessDenied("SendMessage"),
		"InternalFailure":                         sqstest.InternalError(),
		"ServiceUnavailable":                      sqstest.ServiceUnavailable(),
	} {
		inside(t, sqstest.Options{}, "q", func(b *bench, s *sqstest.Server, q *sqstest.Queue) {
			s.Inject("SendMessage", sqstest.Fault{Error: e})
			_, err := b.trySend("m")
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if (api.ErrorFault() == smithy.FaultServer) != e.Receiver {
				t.Errorf("%s: fault %v", want, api.ErrorFault())
			}
			var answer interface{ HTTPStatusCode() int }
			if errors.As(err, &answer) && (answer.HTTPStatusCode() >= http.StatusInternalServerError) != e.Receiver {
				t.Errorf("%s: status %d", want, answer.HTTPStatusCode())
			}
			if q.Counts().All() != 0 {
				t.Errorf("%s: the work was done all the same", want)
			}
		})
	}
}
