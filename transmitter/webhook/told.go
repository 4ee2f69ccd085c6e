package webhook

import (
	"bytes"
	"net/http"
	"time"

	"golang.org/x/net/http/httpguts"

	"carrier/message"
)

// HeaderOptions says what AddHeader adds beside what the message has.
type HeaderOptions struct {
	// ContentType is that of a message whose producer named none.
	ContentType string
	// Deadline is when the worker's time for the message is over.
	Deadline time.Time
	// MaxBytes is the most bytes that are added: attributes that do not fit are left out, as in a POST.
	MaxBytes int
}

// AddHeader adds the headers that a POST of m would have to h, for where it is handed over in an
// answer.
func AddHeader(h http.Header, m *message.Message, o HeaderOptions) {
	r := &request{builder: &builder{contentType: o.ContentType}, m: m, attributes: m.Attributes}
	lines := r.appendContent(nil)
	lines = appendTrace(lines, r)
	lines = r.builder.appendOwn(lines, m, o.Deadline)
	lines, _ = appendAttributes(lines, r.attributes, o.MaxBytes)
	for line := range bytes.SplitSeq(bytes.TrimSuffix(lines, []byte("\r\n")), []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(": "))
		h[string(name)] = append(h[string(name)], string(value))
	}
}

// ContentType is what is sent as the content type of m: its own, if that can be sent at all, else
// otherwise.
func ContentType(m *message.Message, otherwise string) string {
	if m.ContentType == "" || len(m.ContentType) > longestValue || !httpguts.ValidHeaderFieldValue(m.ContentType) {
		return otherwise
	}
	return m.ContentType
}

// Trace is the W3C trace that m carries, as far as it can be read.
func Trace(m *message.Message) (traceparent, tracestate string) {
	return (&request{m: m, attributes: m.Attributes}).trace()
}

// AmazonTrace is the trace of X-Ray that m carries; empty where there is none that a header carries.
func AmazonTrace(m *message.Message) string {
	return (&request{m: m, attributes: m.Attributes}).amazonTrace()
}
