package format

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"carrier/message"
)

// What CloudEvents 1.0 requires and a message may lack.
const (
	specVersion  = "1.0"
	defaultType  = "carrier.message"
	eventPrefix  = "ce-"
	partitionKey = "partitionkey" // of the partitioning extension
)

// cloudEvent returns the attributes of the event as headers (HTTP protocol binding 1.0.2, section 3.1.3).
// Those that the producer has given the message, as attributes or, to ingest, as headers with `ce-`
// before their names, are the event's own; the others are made of the message.
func cloudEvent(m *message.Message, attributes []message.Attribute) []Header {
	event := []Header{
		{"specversion", specVersion}, {"id", m.ID}, {"source", "/" + url.PathEscape(m.Source)}, {"type", defaultType},
	}
	if !m.Sent.IsZero() {
		event = append(event, Header{"time", m.Sent.UTC().Format(time.RFC3339Nano)})
	}
	if m.Group != "" {
		event = append(event, Header{partitionKey, m.Group})
	}
	if m.Request != nil {
		for name, values := range m.Request.Header {
			event = override(event, name, strings.Join(values, ","))
		}
	}
	for _, a := range attributes {
		event = override(event, a.Name, a.Value)
	}
	for i, h := range event {
		event[i] = Header{eventPrefix + h.Name, escapeEvent(h.Value)}
	}
	return event
}

// override sets the event's attribute that a header or attribute called name stands for, if it does. The
// version is ours: nothing else is made here.
func override(event []Header, name, value string) []Header {
	name, is := strings.CutPrefix(strings.ToLower(name), eventPrefix)
	if !is || value == "" || name == "" || name == "specversion" || name == "datacontenttype" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return event
	}
	for i := range event {
		if event[i].Name == name {
			event[i].Value = value
			return event
		}
	}
	return append(event, Header{name, value})
}

// escapeEvent escapes what section 3.1.3.2 has escaped: all but printable ASCII, and blank, quotation
// mark and percent sign.
func escapeEvent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
