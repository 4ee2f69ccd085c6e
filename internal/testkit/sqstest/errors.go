package sqstest

import (
	"fmt"
	"net/http"
)

// An Error is an answer that is no success, as the service writes it.
type Error struct {
	// Type is the answer's __type, its namespace included.
	Type string
	// Code is the older query protocol's name for it, which the service sends
	// in the x-amzn-query-error header and SDKs show in Type's place.
	Code    string
	Message string
	// Status is the HTTP status; 400 when zero.
	Status int
	// Receiver says that the fault is the service's, not the caller's.
	Receiver bool
}

// Error makes an Error usable as a Go error, for the methods a test calls directly.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

func (e *Error) query() string {
	if e.Receiver {
		return e.Code + ";Receiver"
	}
	return e.Code + ";Sender"
}

// The two namespaces of __type: shapes of the SQS model, and errors every service has.
const (
	modelled = "com.amazonaws.sqs#"
	common   = "com.amazon.coral.service#"
	legacy   = "AWS.SimpleQueueService."
)

// QueueDoesNotExist is the answer to a call for a queue that is not there.
func QueueDoesNotExist() *Error {
	return &Error{
		Type: modelled + "QueueDoesNotExist", Code: legacy + "NonExistentQueue",
		Message: "The specified queue does not exist.",
	}
}

// RequestThrottled is the service's own word that calls come too fast.
func RequestThrottled() *Error {
	return &Error{Type: modelled + "RequestThrottled", Code: "RequestThrottled", Message: "Request is throttled."}
}

// ThrottlingException is the same from the front that every service shares.
func ThrottlingException() *Error {
	return &Error{Type: common + "ThrottlingException", Code: "ThrottlingException", Message: "Rate exceeded"}
}

// OverLimit is the answer to a receive with too many messages in flight.
func OverLimit() *Error {
	return &Error{Type: modelled + "OverLimit", Code: "OverLimit", Message: "Too many messages in flight."}
}

// InvalidClientToken says that the access key is not known.
func InvalidClientToken() *Error {
	return &Error{
		Type: common + "UnrecognizedClientException", Code: "InvalidClientTokenId", Status: http.StatusForbidden,
		Message: "The security token included in the request is invalid.",
	}
}

// ExpiredToken says that temporary credentials are over.
func ExpiredToken() *Error {
	return &Error{
		Type: common + "ExpiredTokenException", Code: "ExpiredToken", Status: http.StatusForbidden,
		Message: "The security token included in the request is expired",
	}
}

// SignatureDoesNotMatch says that the secret key is wrong.
func SignatureDoesNotMatch() *Error {
	return &Error{
		Type: common + "InvalidSignatureException", Code: "SignatureDoesNotMatch", Status: http.StatusForbidden,
		Message: "The request signature we calculated does not match the signature you provided.",
	}
}

// AccessDenied says that good credentials may not do this.
func AccessDenied(op string) *Error {
	return &Error{
		Type: common + "AccessDeniedException", Code: "AccessDenied", Status: http.StatusForbidden,
		Message: "User is not authorized to perform: sqs:" + op,
	}
}

// InternalError is a failure of the service, with status 500.
func InternalError() *Error {
	return &Error{
		Type: common + "InternalFailure", Code: "InternalFailure", Status: http.StatusInternalServerError,
		Message: "The request processing has failed because of an unknown error.", Receiver: true,
	}
}

// ServiceUnavailable is a failure of the service, with status 503.
func ServiceUnavailable() *Error {
	return &Error{
		Type: common + "ServiceUnavailableException", Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable,
		Message: "Service is unavailable.", Receiver: true,
	}
}

// UnknownOperation is the service's answer to an operation that it does not have.
func UnknownOperation(op string) *Error {
	return &Error{
		Type: common + "UnknownOperationException", Code: "InvalidAction",
		Message: "unknown operation " + op,
	}
}

// InvalidAction is the answer of other servers to an operation that they do not have.
func InvalidAction(op string) *Error {
	return &Error{
		Type: modelled + "InvalidAction", Code: "InvalidAction",
		Message: "The action " + op + " is not valid for this endpoint.",
	}
}

// sender is an error of the SQS model whose query code has the legacy prefix.
func sender(name, format string, args ...any) *Error {
	return &Error{Type: modelled + name, Code: legacy + name, Message: fmt.Sprintf(format, args...)}
}

// plain is an error of the SQS model that is named alike in both protocols.
func plain(name, format string, args ...any) *Error {
	return &Error{Type: modelled + name, Code: name, Message: fmt.Sprintf(format, args...)}
}

func missingParameter(name string) *Error {
	return &Error{
		Type: common + "MissingParameterException", Code: "MissingParameter",
		Message: "The request must contain the parameter " + name + ".",
	}
}

func invalidParameter(format string, args ...any) *Error {
	return &Error{
		Type: common + "InvalidParameterValueException", Code: "InvalidParameterValue",
		Message: fmt.Sprintf(format, args...),
	}
}

// invalidValue is invalidParameter in the service's most usual words.
func invalidValue(value any, name, reason string) *Error {
	return invalidParameter("Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}

func notForThisQueue(value any, name string) *Error {
	return invalidValue(value, name, "The request include parameter that is not valid for this queue type.")
}
