package shapes

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

// HTTPStatus is the answer's.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// Query is the x-amzn-query-error header.
func (e *Error) Query() string {
	if e.Receiver {
		return e.Code + ";Receiver"
	}
	return e.Code + ";Sender"
}

// The two namespaces of __type: shapes of the SQS model, and errors every service has.
const (
	Modelled = "com.amazonaws.sqs#"
	Common   = "com.amazon.coral.service#"
	legacy   = "AWS.SimpleQueueService."
)

// QueueDoesNotExist is the answer to a call for a queue that is not there.
func QueueDoesNotExist() *Error {
	return &Error{
		Type: Modelled + "QueueDoesNotExist", Code: legacy + "NonExistentQueue",
		Message: "The specified queue does not exist.",
	}
}

// Sender is an error of the SQS model whose query code has the legacy prefix.
func Sender(name, format string, args ...any) *Error {
	return &Error{Type: Modelled + name, Code: legacy + name, Message: fmt.Sprintf(format, args...)}
}

// Plain is an error of the SQS model that is named alike in both protocols.
func Plain(name, format string, args ...any) *Error {
	return &Error{Type: Modelled + name, Code: name, Message: fmt.Sprintf(format, args...)}
}

// MissingParameter says that a request lacks one.
func MissingParameter(name string) *Error {
	return &Error{
		Type: Common + "MissingParameterException", Code: "MissingParameter",
		Message: "The request must contain the parameter " + name + ".",
	}
}

// InvalidParameter says what is wrong with a request.
func InvalidParameter(format string, args ...any) *Error {
	return &Error{
		Type: Common + "InvalidParameterValueException", Code: "InvalidParameterValue",
		Message: fmt.Sprintf(format, args...),
	}
}

// InvalidValue is InvalidParameter in the service's most usual words.
func InvalidValue(value any, name, reason string) *Error {
	return InvalidParameter("Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}

// NotForThisQueue says that a parameter is for the other type of queue.
func NotForThisQueue(value any, name string) *Error {
	return InvalidValue(value, name, "The request include parameter that is not valid for this queue type.")
}

// UnknownOperation is the service's answer to an operation that it does not have.
func UnknownOperation(op string) *Error {
	return &Error{
		Type: Common + "UnknownOperationException", Code: "InvalidAction",
		Message: "unknown operation " + op,
	}
}
