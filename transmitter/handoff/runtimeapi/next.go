package runtimeapi

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/transmitter/handoff"
	"carrier/transmitter/lambdaevent"
	"carrier/transmitter/webhook"
)

// answerTimeout bounds the writing of an event.
const answerTimeout = 30 * time.Second

// next waits without a limit until messages are there, and answers with their event.
func (a *API) next(r Route, w http.ResponseWriter, request *http.Request) {
	ctx, control := request.Context(), http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{})
	got, problem := a.o.Take(ctx, r.Table, r.Records, forever, min(r.Lease+grace, handoff.MaxLease))
	switch {
	case ctx.Err() != nil:
		unread(r.Table, got)
		return
	case problem != nil:
		a.refuse(w, request, problem)
		return
	}
	_ = control.SetWriteDeadline(time.Now().Add(answerTimeout))
	event, i := r.event(got)
	id := a.begin(i, r.Lease)
	r.setHeader(w.Header(), got, id)
	w.Header().Set("Content-Length", strconv.Itoa(len(event)))
	if _, err := w.Write(event); err != nil || control.Flush() != nil {
		a.claim(id)
		unread(r.Table, got)
	}
}

// refuse answers a function to which nothing is handed over. Runtimes end with an error at every answer
// but an event: while the program drains they are kept waiting, so that those which end together with it
// are ended by their own signal. 500 is the status at which they are to exit promptly.
func (a *API) refuse(w http.ResponseWriter, request *http.Request, problem *httpapi.Problem) {
	select {
	case <-a.o.Draining:
		select {
		case <-a.o.Closing:
		case <-request.Context().Done():
			return
		}
		problem = &httpapi.Problem{Status: http.StatusInternalServerError, Detail: "carrier has ended: there are no more invocations"}
	default:
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout))
	problem.Write(w)
}

// event is the event of those of the messages that one can hold. The others were not handed over.
func (r Route) event(got []handoff.Handed) ([]byte, *invocation) {
	var event lambdaevent.Event
	i := &invocation{table: r.Table}
	for n, h := range got {
		m := r.Shown(h.Message)
		if !event.Add(m, m.Body, m.Attributes) {
			unread(r.Table, got[n:])
			break
		}
		i.tokens, i.ids = append(i.tokens, h.Token), append(i.ids, m.ID)
	}
	return event.JSON(), i
}

// setHeader sets the headers of the invocation id, which has at least the first of the messages.
func (r Route) setHeader(h http.Header, got []handoff.Handed, id string) {
	first := got[0]
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Lambda-Runtime-Aws-Request-Id", id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(first.Deadline.Add(-grace).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:"+cmp.Or(r.Name, "carrier"))
	if trace := webhook.AmazonTrace(first.Message); trace != "" {
		h.Set("Lambda-Runtime-Trace-Id", trace)
	}
}

// unread says that messages could not be written.
func unread(t *handoff.Table, messages []handoff.Handed) {
	for _, h := range messages {
		t.Unread(h.Token)
	}
}

// newID returns a random UUID, as Lambda's ids are. It is no token: functions log it.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program where there is no randomness
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
