package sqstest

import (
	"net/http"

	"carrier/internal/testkit/sqstest/shapes"
)

// QueueDoesNotExist is the answer to a call for a queue that is not there.
func QueueDoesNotExist() *Error { return shapes.QueueDoesNotExist() }

// RequestThrottled is the service's own word that calls come too fast.
func RequestThrottled() *shapes.Error {
	return &shapes.Error{Type: shapes.Modelled + "RequestThrottled", Code: "RequestThrottled", Message: "Request is throttled."}
}

// ThrottlingException is the same from the front that every service shares.
func ThrottlingException() *shapes.Error {
	return &shapes.Error{Type: shapes.Common + "ThrottlingException", Code: "ThrottlingException", Message: "Rate exceeded"}
}

// OverLimit is the answer to a receive with too many messages in flight.
func OverLimit() *shapes.Error {
	return &shapes.Error{Type: shapes.Modelled + "OverLimit", Code: "OverLimit", Message: "Too many messages in flight."}
}

// InvalidClientToken says that the access key is not known.
func InvalidClientToken() *shapes.Error {
	return &shapes.Error{
		Type: shapes.Common + "UnrecognizedClientException", Code: "InvalidClientTokenId", Status: http.StatusForbidden,
		Message: "The security token included in the request is invalid.",
	}
}

// ExpiredToken says that temporary credentials are over.
func ExpiredToken() *shapes.Error {
	return &shapes.Error{
		Type: shapes.Common + "ExpiredTokenException", Code: "ExpiredToken", Status: http.StatusForbidden,
		Message: "The security token included in the request is expired",
	}
}

// SignatureDoesNotMatch says that the secret key is wrong.
func SignatureDoesNotMatch() *shapes.Error {
	return &shapes.Error{
		Type: shapes.Common + "InvalidSignatureException", Code: "SignatureDoesNotMatch", Status: http.StatusForbidden,
		Message: "The request signature we calculated does not match the signature you provided.",
	}
}

// AccessDenied says that good credentials may not do this.
func AccessDenied(op string) *shapes.Error {
	return &shapes.Error{
		Type: shapes.Common + "AccessDeniedException", Code: "AccessDenied", Status: http.StatusForbidden,
		Message: "User is not authorized to perform: sqs:" + op,
	}
}

// InternalError is a failure of the service, with status 500.
func InternalError() *shapes.Error {
	return &shapes.Error{
		Type: shapes.Common + "InternalFailure", Code: "InternalFailure", Status: http.StatusInternalServerError,
		Message: "The request processing has failed because of an unknown error.", Receiver: true,
	}
}

// ServiceUnavailable is a failure of the service, with status 503.
func ServiceUnavailable() *shapes.Error {
	return &shapes.Error{
		Type: shapes.Common + "ServiceUnavailableException", Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable,
		Message: "Service is unavailable.", Receiver: true,
	}
}

// UnknownOperation is the service's answer to an operation that it does not have.
func UnknownOperation(op string) *Error { return shapes.UnknownOperation(op) }

// InvalidAction is the answer of other servers to an operation that they do not have.
func InvalidAction(op string) *shapes.Error {
	return &shapes.Error{
		Type: shapes.Modelled + "InvalidAction", Code: "InvalidAction",
		Message: "The action " + op + " is not valid for this endpoint.",
	}
}
