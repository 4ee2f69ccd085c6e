package sqs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"carrier/receiver"
)

// sortError makes err one of the receiver's: what was being done, and its class.
func sortError(operation string, err error) *receiver.Error {
	var named *smithy.OperationError
	if errors.As(err, &named) {
		err = named.Err // it repeats the operation
	}
	return &receiver.Error{Operation: operation, Class: classOf(err), Err: err}
}

func classOf(err error) receiver.Class {
	var (
		credentials *credentialsError
		answer      *smithyhttp.ResponseError
		api         smithy.APIError
	)
	switch {
	case errors.As(err, &credentials):
		return receiver.Credentials
	case errors.As(err, &api):
		status := 0
		if errors.As(err, &answer) {
			status = answer.HTTPStatusCode()
		}
		return classOfCode(api.ErrorCode(), status)
	case errors.As(err, &answer):
		return classOfStatus(answer.HTTPStatusCode())
	case unreached(err):
		return receiver.Network
	case unsendable(err):
		return receiver.Invalid
	}
	return receiver.Other
}

// unreached reports whether the request or its answer got lost on the way.
func unreached(err error) bool {
	var (
		send    *smithyhttp.RequestSendError
		network net.Error
	)
	return errors.As(err, &send) || errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF)
}

// unsendable reports whether the SDK refused to send the request.
func unsendable(err error) bool {
	var (
		params    smithy.InvalidParamsError
		serialize *smithy.SerializationError
	)
	return errors.As(err, &params) || errors.As(err, &serialize)
}

// classOfStatus sorts an answer that named no code: a proxy's or a load
// balancer's, mostly, and not SQS's own.
func classOfStatus(status int) receiver.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return receiver.Throttled
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return receiver.Denied
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return receiver.Invalid
	}
	return receiver.Network
}

// classOfCode sorts one of SQS's error codes; status is the answer's, 0 where there
// is none. Both generations of codes are known: the JSON protocol's, and the query
// protocol's with their AWS.SimpleQueueService. prefix.
func classOfCode(code string, status int) receiver.Class {
	switch plainCode(code) {
	case "RequestThrottled", "RequestThrottledException", "Throttling", "ThrottlingException",
		"ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
		"BandwidthLimitExceeded", "KmsThrottled", "OverLimit":
		return receiver.Throttled
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "InvalidSignatureException", "MissingAuthenticationToken",
		"MissingAuthenticationTokenException", "IncompleteSignature", "IncompleteSignatureException",
		"InvalidAccessKeyId", "RequestExpired", "AuthFailure", "InvalidSecurity", "InvalidToken":
		return receiver.Credentials
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized",
		"OptInRequired", "KmsAccessDenied", "KmsOptInRequired":
		return receiver.Denied
	case "QueueDoesNotExist", "NonExistentQueue", "QueueDeletedRecently", "ResourceNotFoundException":
		return receiver.NotFound
	case "InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable",
		"ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException":
		return receiver.Network
	}
	if status == 0 {
		return receiver.Other
	}
	return classOfStatus(status)
}

// plainCode drops what servers put around a code: a namespace before it, a fault
// or a URL behind it.
func plainCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	code, _, _ = strings.Cut(code, ";")
	if i := strings.LastIndexAny(code, ".#"); i >= 0 {
		code = code[i+1:]
	}
	return code
}

// entryError makes an error of one failed entry of a batch.
func entryError(operation string, r entryResult) *receiver.Error {
	code, text := r.code, r.message
	status := http.StatusServiceUnavailable
	if r.senderFault {
		status = http.StatusBadRequest
	}
	err := fmt.Errorf("%s: %s", code, text)
	if leaseGone(code, text) {
		err = fmt.Errorf("%w: %s: %s", receiver.ErrLeaseLost, code, text)
	}
	return &receiver.Error{Operation: operation, Class: classOfCode(code, status), Err: err}
}

// leaseGone reports whether SQS says that a receipt handle is no longer good for
// anything, or that its lease can be stretched no further. For the general code
// InvalidParameterValue only the text tells: "The receipt handle has expired",
// "Total VisibilityTimeout for the message is beyond the limit".
func leaseGone(code, text string) bool {
	switch plainCode(code) {
	case "ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidIdFormat":
		return true
	case "InvalidParameterValue", "InvalidParameterValueException":
		text = strings.ToLower(text)
		return strings.Contains(text, "receipt") || strings.Contains(text, "total visibilitytimeout")
	}
	return false
}
