package api

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// An apiError is an answer other than 2xx.
type apiError struct {
	status int
	// code and message are the service's own. Without a code and a requestID the answer is a
	// proxy's.
	code, message, requestID string
}

// newAPIError makes an error of an answer. Its code is where the SDK looks for it: in the header
// with the query protocol's code, in the header with the error's type, in the body. The query
// protocol's XML is understood too: some servers answer so whatever they were asked.
func newAPIError(resp *http.Response, body []byte) *apiError {
	var said struct {
		Type    string `json:"__type"`
		Code    any
		Message string
	}
	_ = json.Unmarshal(body, &said) // what is no JSON names no code
	var query struct {
		Code      string `xml:"Error>Code"`
		Message   string `xml:"Error>Message"`
		RequestID string `xml:"RequestId"`
	}
	_ = xml.Unmarshal(body, &query) // nor does what is no XML
	named, _ := said.Code.(string)
	queryCode, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Query-Error"), ";")
	return &apiError{
		status:    resp.StatusCode,
		code:      plainCode(firstOf(queryCode, resp.Header.Get("X-Amzn-Errortype"), said.Type, named, query.Code)),
		message:   firstOf(said.Message, query.Message),
		requestID: firstOf(resp.Header.Get("X-Amzn-Requestid"), query.RequestID),
	}
}

// firstOf returns the first of values that is not empty.
func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// isProxys reports whether the answer names neither an error code nor a request: it is not the
// service's own.
func (e *apiError) isProxys() bool { return e.code == "" && e.requestID == "" }

// Error names the code, what the service says of it, the status and the request.
func (e *apiError) Error() string {
	switch {
	case e.isProxys():
		return fmt.Sprintf("status %d without an error code or a request id: the answer of a proxy, not of the service", e.status)
	case e.requestID == "":
		return fmt.Sprintf("%s (status %d)", e.text(), e.status)
	}
	return fmt.Sprintf("%s (status %d, request %s)", e.text(), e.status, e.requestID)
}

func (e *apiError) text() string {
	if e.message == "" || e.code == "" {
		return firstOf(e.code, e.message, "no error code")
	}
	return e.code + ": " + e.message
}

// plainCode drops what servers put around a code: a namespace before it, a fault or a URL behind
// it.
func plainCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	code, _, _ = strings.Cut(code, ";")
	if i := strings.LastIndexAny(code, ".#"); i >= 0 {
		code = code[i+1:]
	}
	return code
}
