package workerapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"carrier/internal/plainjson"
	"carrier/message"
	"carrier/transmitter/handoff"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

// maxAnswer is from how many bytes on an answer is written in pieces: it is not in memory as a whole
// then.
const maxAnswer = 64 << 10

// writeMessages answers with messages.
func (s *Server) writeMessages(w http.ResponseWriter, route Route, got []handoff.Handed) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	room := s.buffers.take()
	defer s.buffers.put(room)
	var out *answer
	text := room.text
	text = append(text, `{"messages":[`...)
	for i, m := range got {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(route.appendMessage(append(text, '{'), m), '}')
		if len(text) < maxAnswer {
			continue
		}
		if out == nil {
			out = newAnswer(w)
		}
		out.write(text)
		text = text[:0]
	}
	text = append(text, "]}\n"...)
	if out == nil {
		h.Set("Content-Length", strconv.Itoa(len(text)))
		out = newAnswer(w)
	}
	out.write(text)
	room.text = text
	return out.flush()
}

// appendMessage appends the members of h as JSON. Times are whole seconds since the epoch. The body is
// "body" where it is text, else "bodyBase64".
func (r Route) appendMessage(b []byte, h handoff.Handed) []byte {
	m := r.shown(h.Message)
	b = plainjson.Append(append(b, `"token":`...), h.Token)
	b = plainjson.Append(append(b, `,"id":`...), m.ID)
	b = appendText(b, `,"originalId":`, m.OriginalID)
	b = strconv.AppendInt(append(b, `,"receiveCount":`...), int64(m.ReceiveCount), 10)
	b = appendSeconds(b, `,"firstReceived":`, m.FirstReceived)
	b = appendSeconds(b, `,"sent":`, m.Sent)
	b = plainjson.Append(append(b, `,"source":`...), m.Source)
	b = appendText(b, `,"group":`, m.Group)
	b = appendSeconds(b, `,"deadline":`, h.Deadline)
	b = plainjson.Append(append(b, `,"contentType":`...), webhook.ContentType(m, r.ContentType))
	if m.Request != nil {
		b = appendText(b, `,"contentEncoding":`, m.Request.Header.Get("Content-Encoding"))
	}
	b = appendAttributes(b, m.Attributes)
	parent, state := webhook.Trace(m)
	b = appendText(appendText(b, `,"traceparent":`, parent), `,"tracestate":`, state)
	if utf8.Valid(m.Body) {
		return plainjson.AppendBytes(append(b, `,"body":`...), m.Body)
	}
	b = base64.StdEncoding.AppendEncode(append(b, `,"bodyBase64":"`...), m.Body)
	return append(b, '"')
}

// appendText appends a member with its name, unless it is empty.
func appendText(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return plainjson.Append(append(b, name...), s)
}

// appendSeconds appends a time with its name, where it is known.
func appendSeconds(b []byte, name string, t time.Time) []byte {
	if t.IsZero() || t.Unix() == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), t.Unix(), 10)
}

// appendAttributes appends attributes, where there are some. Of those with the same name the last one
// counts.
func appendAttributes(b []byte, attributes []message.Attribute) []byte {
	if len(attributes) == 0 {
		return b
	}
	last := make(map[string]int, len(attributes))
	for i, a := range attributes {
		last[a.Name] = i
	}
	b = append(b, `,"attributes":`...)
	next := byte('{')
	for i, a := range attributes {
		if last[a.Name] != i {
			continue
		}
		b = plainjson.Append(append(b, next), a.Name)
		b = plainjson.Append(append(b, ':'), a.Value)
		next = ','
	}
	return append(b, '}')
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
