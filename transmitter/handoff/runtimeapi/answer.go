package runtimeapi

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/redact"
	"carrier/transmitter/handoff"
	"carrier/transmitter/lambdaevent"
)

const (
	bodyTimeout = 30 * time.Second
	// maxResponse is the most bytes of a response, as in Lambda, and maxError of an error.
	maxResponse = lambdaevent.Limit
	maxError    = 1 << 20

	errorTypeHeader = "Lambda-Runtime-Function-Error-Type"
	errorBodyHeader = "Lambda-Runtime-Function-Error-Body"
)

// response is the answer of a function that has ended well: it says of each message whether it was
// handled.
func (a *API) response(w http.ResponseWriter, r *http.Request) {
	i := a.claim(r.PathValue("id"))
	if i == nil {
		refused(handoff.ErrUnknown).Write(w)
		return
	}
	body, err := read(w, r, maxResponse)
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		_ = i.fail("the function's response is larger than 6 MiB")
		httpapi.Problem{Status: http.StatusRequestEntityTooLarge, Detail: "the response may have 6 MiB"}.Write(w)
		return
	case err != nil:
		_ = i.fail("the function's response broke off")
		httpapi.Problem{Status: http.StatusBadRequest, Detail: "the response broke off"}.Write(w)
		return
	case r.Trailer.Get(errorTypeHeader) != "": // the function failed while its response was sent
		said, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(errorBodyHeader))
		accepted(w, i.fail(reason(r.Trailer, said)))
		return
	}
	accepted(w, i.settle(lambdaevent.Handled(said(r, body), i.ids)))
}

// failure is the answer of a function that has failed: all its messages have.
func (a *API) failure(w http.ResponseWriter, r *http.Request) {
	i := a.claim(r.PathValue("id"))
	if i == nil {
		refused(handoff.ErrUnknown).Write(w)
		return
	}
	body, _ := read(w, r, maxError) // what cannot be read is a failure too
	accepted(w, i.fail(reason(r.Header, body)))
}

// initError is told of a function that could not start, and has taken no message.
func (a *API) initError(w http.ResponseWriter, r *http.Request) {
	body, _ := read(w, r, maxError)
	a.o.Warn("a function could not start: " + redact.Text(reason(r.Header, body)))
	accepted(w, nil)
}

// read reads the body of r, at most limit bytes.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, err
}

// said is what body says of the messages: nothing where it neither is JSON, nor is said or seems to be.
func said(r *http.Request, body []byte) []byte {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body = bytes.TrimSpace(body)
	if media != "application/json" && !bytes.HasPrefix(body, []byte{'{'}) {
		return nil
	}
	return body
}

// reason is why a function failed: the type and the message of its error.
func reason(h http.Header, body []byte) string {
	var e struct{ ErrorType, ErrorMessage string }
	_ = json.Unmarshal(body, &e)
	parts := []string{cmp.Or(e.ErrorType, h.Get(errorTypeHeader)), e.ErrorMessage}
	if parts[0] == "" {
		parts = parts[1:]
	}
	return cmp.Or(strings.Trim(strings.Join(parts, ": "), ": "), "the function failed without saying why")
}

// fail has all messages of i fail.
func (i *invocation) fail(reason string) error {
	return i.decide(func(int) handoff.Verdict { return handoff.Verdict{Kind: handoff.Retry, Reason: reason} })
}

// settle has those messages of i succeed that were handled.
func (i *invocation) settle(handled []bool) error {
	return i.decide(func(n int) handoff.Verdict {
		if handled[n] {
			return handoff.Verdict{Kind: handoff.Ack}
		}
		return handoff.Verdict{Kind: handoff.Retry, Reason: "the function did not handle it, by its batchItemFailures"}
	})
}

// decide passes the verdict on each message on. It does not wait for the source. The error is the first
// one.
func (i *invocation) decide(verdict func(n int) handoff.Verdict) (first error) {
	for n, token := range i.tokens {
		if _, err := i.table.Decide(token, verdict(n)); first == nil {
			first = err
		}
	}
	return first
}

// accepted answers a function whose word was passed on with err.
func accepted(w http.ResponseWriter, err error) {
	if err != nil {
		refused(err).Write(w)
		return
	}
	httpapi.WriteJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

// refused is the answer to a word on an invocation that ended with err.
func refused(err error) httpapi.Problem {
	if errors.Is(err, handoff.ErrLeaseEnded) {
		return httpapi.Problem{
			Type: "urn:carrier:lease-ended", Status: http.StatusGone,
			Detail: "the function took longer than CARRIER_PULL_LEASE: its messages are delivered again",
		}
	}
	return httpapi.Problem{
		Type: "urn:carrier:unknown", Status: http.StatusNotFound,
		Detail: "no invocation has this id, or it was answered",
	}
}
