package workerapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"carrier/internal/httpapi"
	"carrier/message"
	"carrier/transmitter/handoff"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

const (
	usualMost  = 10
	most       = 100
	leastLease = time.Second
)

// A pullRequest is the body of POST /v1/pull. What is missing is as usual.
type pullRequest struct {
	Max   *int    `json:"max"`
	Wait  *string `json:"wait"`
	Lease *string `json:"lease"`
}

// wish checks what p asks for.
func (p pullRequest) wish() (wish, *httpapi.Problem) {
	want := wish{most: usualMost, wait: usualWait}
	var problem *httpapi.Problem
	if p.Max != nil {
		if want.most = *p.Max; want.most < 1 || want.most > most {
			return want, invalid("max must be a whole number from 1 to ", strconv.Itoa(most))
		}
	}
	if p.Wait != nil {
		if want.wait, problem = duration("wait", *p.Wait, 0, longestWait); problem != nil {
			return want, problem
		}
	}
	if p.Lease != nil {
		want.lease, problem = duration("lease", *p.Lease, leastLease, handoff.MaxLease)
	}
	return want, problem
}

// pull answers with the first message, and those that are there with it.
func (s *Server) pull(route Route, w http.ResponseWriter, r *http.Request) {
	var p pullRequest
	if problem := readJSON(w, r, &p); problem != nil {
		problem.Write(w)
		return
	}
	want, problem := p.wish()
	if problem != nil {
		problem.Write(w)
		return
	}
	got, problem := s.take(r.Context(), route.Table, want)
	switch {
	case problem != nil:
		problem.Write(w)
	case r.Context().Err() == nil:
		if writeMessages(w, route, got) != nil {
			unread(route.Table, got)
		}
	}
}

// maxAnswer is from how many bytes on an answer is written in pieces: it is not in memory as a whole
// then.
const maxAnswer = 64 << 10

// writeMessages answers with messages.
func writeMessages(w http.ResponseWriter, route Route, got []handoff.Handed) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	var text bytes.Buffer
	text.Grow(min(sizeOf(got), maxAnswer))
	encoder := json.NewEncoder(&text)
	var out *answer
	text.WriteString(`{"messages":[`)
	for i, m := range got {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := encoder.Encode(route.document(m)); err != nil {
			return err // never: a document can be marshalled
		}
		if text.Len() < maxAnswer {
			continue
		}
		if out == nil {
			out = newAnswer(w)
		}
		out.write(text.Bytes())
		text.Reset()
	}
	text.WriteString("]}\n")
	if out == nil {
		h.Set("Content-Length", strconv.Itoa(text.Len()))
		out = newAnswer(w)
	}
	out.write(text.Bytes())
	return out.flush()
}

// sizeOf is about how many bytes messages are as JSON.
func sizeOf(got []handoff.Handed) int {
	const rest = 512 // beside the body, of which an eighth is escaped
	n := 0
	for _, m := range got {
		n += rest + len(m.Body) + len(m.Body)/8
	}
	return n
}

// A document is a message as JSON.
type document struct {
	Token           string            `json:"token"`
	ID              string            `json:"id"`
	OriginalID      string            `json:"originalId,omitempty"`
	ReceiveCount    int               `json:"receiveCount"`
	FirstReceived   int64             `json:"firstReceived,omitempty"`
	Sent            int64             `json:"sent,omitempty"`
	Source          string            `json:"source"`
	Group           string            `json:"group,omitempty"`
	Deadline        int64             `json:"deadline"`
	ContentType     string            `json:"contentType"`
	ContentEncoding string            `json:"contentEncoding,omitempty"`
	Attributes      map[string]string `json:"attributes,omitempty"`
	Traceparent     string            `json:"traceparent,omitempty"`
	Tracestate      string            `json:"tracestate,omitempty"`
	// Body is the message's where that is text, else BodyBase64 is.
	Body       *string `json:"body,omitempty"`
	BodyBase64 []byte  `json:"bodyBase64,omitempty"`
}

// document is h as JSON. Times are whole seconds since the epoch.
func (r Route) document(h handoff.Handed) document {
	m := r.shown(h.Message)
	d := document{
		Token: h.Token, ID: m.ID, OriginalID: m.OriginalID, ReceiveCount: m.ReceiveCount, FirstReceived: seconds(m.FirstReceived),
		Sent: seconds(m.Sent), Source: m.Source, Group: m.Group, Deadline: seconds(h.Deadline),
		ContentType: webhook.ContentType(m, r.ContentType),
	}
	d.Traceparent, d.Tracestate = webhook.Trace(m)
	if m.Request != nil {
		d.ContentEncoding = m.Request.Header.Get("Content-Encoding")
	}
	if len(m.Attributes) > 0 {
		d.Attributes = make(map[string]string, len(m.Attributes))
		for _, a := range m.Attributes {
			d.Attributes[a.Name] = a.Value
		}
	}
	if utf8.Valid(m.Body) {
		text := string(m.Body)
		d.Body = &text
	} else {
		d.BodyBase64 = m.Body
	}
	return d
}

// shown is m as consumers see it.
func (r Route) shown(m *message.Message) *message.Message {
	if !r.UnwrapSNS {
		return m
	}
	body, attributes, unwrapped := format.Unwrap(m.Body, m.Attributes)
	if !unwrapped {
		return m
	}
	return &message.Message{
		ID: m.ID, Body: body, ContentType: m.ContentType, Attributes: attributes, Trace: m.Trace, Source: m.Source, Group: m.Group,
		ReceiveCount: m.ReceiveCount, OriginalID: m.OriginalID, FirstReceived: m.FirstReceived, Sent: m.Sent, Request: m.Request,
	}
}

// seconds is t in whole seconds since the epoch; 0 where nobody knows.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
