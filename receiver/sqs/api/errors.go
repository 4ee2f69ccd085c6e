package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"carrier/receiver"
	"carrier/receiver/sqs/environment"
)

// An exchangeError means that the request or its answer was lost on the way, or that the answer
// cannot be understood.
type exchangeError struct{ err error }

func (e *exchangeError) Error() string { return e.err.Error() }
func (e *exchangeError) Unwrap() error { return e.err }

// An EntryError is the service's word on one entry of a batch. The call itself was carried out.
type EntryError struct {
	Code, Message string
	senderFault   bool
}

// Error names the code and what the service says of it.
func (e *EntryError) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Unwrap returns receiver.ErrLeaseLost where that is what the service says.
func (e *EntryError) Unwrap() error {
	if leaseLost(e.Code, e.Message) {
		return receiver.ErrLeaseLost
	}
	return nil
}

// invalid is the error of a configuration that no call can be made with.
func invalid(err error) *receiver.Error {
	return &receiver.Error{Operation: environment.Operation, Class: receiver.Invalid, Err: err}
}

// plainError drops the SDK's words around an error: the operation, of which the template's is none.
func plainError(err error) error {
	var named *smithy.OperationError
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

// sortError makes err one of the receiver's: what was being done, its class and its code.
func sortError(operation string, err error) *receiver.Error {
	return &receiver.Error{Operation: operation, Class: classOf(err), Code: codeOf(err), Err: err}
}

func codeOf(err error) string {
	var (
		api   *apiError
		entry *EntryError
	)
	switch {
	case errors.As(err, &entry):
		return plainCode(entry.Code)
	case errors.As(err, &api) && api.code != "":
		return api.code
	case api != nil:
		return strconv.Itoa(api.status)
	}
	return ""
}

func classOf(err error) receiver.Class {
	var (
		credentials *environment.CredentialsError
		api         *apiError
		entry       *EntryError
		exchange    *exchangeError
	)
	switch {
	case errors.As(err, &credentials):
		return credentials.Class
	case errors.As(err, &api):
		return api.class()
	case errors.As(err, &entry):
		return entry.class()
	case errors.As(err, &exchange), errors.Is(err, context.DeadlineExceeded):
		return receiver.Network
	}
	return receiver.Other
}

// class sorts an answer by its code, else by its status. What a proxy says lasts as long as the
// proxy is in the way or failing: waiting helps.
func (e *apiError) class() receiver.Class {
	switch {
	case e.status == http.StatusTooManyRequests && e.code == "":
		return receiver.Throttled
	case e.isProxys():
		return receiver.Network
	}
	return classOfCode(e.code, e.status)
}

func (e *EntryError) class() receiver.Class {
	if e.senderFault {
		return classOfCode(e.Code, http.StatusBadRequest)
	}
	return classOfCode(e.Code, http.StatusServiceUnavailable)
}

// classOfCode sorts one of SQS's error codes, and one that is not known by the answer's status.
// Both generations of codes are known: the JSON protocol's, and the query protocol's with their
// AWS.SimpleQueueService. prefix.
func classOfCode(code string, status int) receiver.Class {
	switch plainCode(code) {
	case "RequestThrottled", "RequestThrottledException", "Throttling", "ThrottlingException",
		"ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
		"BandwidthLimitExceeded", "KmsThrottled", "OverLimit":
		return receiver.Throttled
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "InvalidSignatureException", "MissingAuthenticationToken",
		"MissingAuthenticationTokenException", "IncompleteSignature", "IncompleteSignatureException",
		"InvalidAccessKeyId", "RequestExpired", "RequestTimeTooSkewed", "AuthFailure", "InvalidSecurity", "InvalidToken":
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
	return classOfStatus(status)
}

// classOfStatus sorts an answer of the service that names no code, or none that is known.
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

// leaseLost reports whether SQS says that a receipt handle is no longer good for anything, or that
// its lease can be stretched no further. For the general code InvalidParameterValue only the text
// tells: "The receipt handle has expired", "Total VisibilityTimeout for the message is beyond the
// limit".
func leaseLost(code, text string) bool {
	switch plainCode(code) {
	case "ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidIdFormat":
		return true
	case "InvalidParameterValue", "InvalidParameterValueException":
		text = strings.ToLower(text)
		return strings.Contains(text, "receipt") || strings.Contains(text, "total visibilitytimeout")
	}
	return false
}

// IsOfEntry reports whether err is about an entry and not about the call, of a batch with one entry:
// some servers refuse the call for a receipt handle that is no good.
func IsOfEntry(err error) bool {
	var (
		api   *apiError
		entry *EntryError
	)
	return errors.As(err, &entry) || errors.As(err, &api) && leaseLost(api.code, api.message)
}

// explain says what ended a call when its time limit did.
func explain(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", timeout, err)
	}
	return err
}
