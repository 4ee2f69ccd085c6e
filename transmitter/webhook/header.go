package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter/webhook/percent"
)

// The names of the headers, spelled as they are sent.
const (
	ownPrefix       = "X-Carrier-"
	attributePrefix = ownPrefix + "Attribute-"
	omittedHeader   = ownPrefix + "Attributes-Omitted"
	actionHeader    = ownPrefix + "Action"

	idHeader            = ownPrefix + "Message-Id"
	originalIDHeader    = ownPrefix + "Original-Message-Id"
	receiveCountHeader  = ownPrefix + "Receive-Count"
	firstReceivedHeader = ownPrefix + "First-Receive-Time"
	sentHeader          = ownPrefix + "Sent-Time"
	sourceHeader        = ownPrefix + "Source"
	groupHeader         = ownPrefix + "Group-Id"
	deadlineHeader      = ownPrefix + "Deadline"
	failoverHeader      = ownPrefix + "Failover"
	channelHeader       = ownPrefix + "Channel"
	tokenHeader         = ownPrefix + "Token"
	holdHeader          = ownPrefix + "Hold"

	traceparentHeader = "traceparent"
	tracestateHeader  = "tracestate"
	amazonTraceHeader = "X-Amzn-Trace-Id"
)

// longestValue is the most bytes of a content type or an id that are sent; the sources allow a
// producer far more, and a worker's server far less.
const longestValue = 1 << 10

// A Header is one header that the operator adds to every request.
type Header struct {
	Name, Value string
}

// A fixed is what every request carries: the operator's headers and the endpoint's own credential.
type fixed struct {
	lines []byte          // as they are sent
	names map[string]bool // folded
}

// newFixed checks the operator's headers. They win over the endpoint's credential.
func newFixed(opts Options) (fixed, error) {
	f := fixed{names: map[string]bool{}}
	var faults []error
	for _, h := range opts.Headers {
		if err := checkAdded(h); err != nil {
			faults = append(faults, err)
			continue
		}
		f.add(h.Name, h.Value)
	}
	if credential := opts.Endpoint.authorization; credential != "" && !f.names["Authorization"] {
		f.add("Authorization", credential)
	}
	return f, errors.Join(faults...)
}

func (f *fixed) add(name, value string) {
	f.names[http1.Folded(name)] = true
	f.lines = appendHeader(f.lines, http.CanonicalHeaderKey(name), value)
}

// checkAdded says why the operator may not add h; the value is never repeated.
func checkAdded(h Header) error {
	switch {
	case !httpguts.ValidHeaderFieldName(h.Name):
		return fmt.Errorf("header %q: no name of a header", h.Name)
	case isReserved(http1.Folded(h.Name)):
		return fmt.Errorf("header %s: may not be set", h.Name)
	case !httpguts.ValidHeaderFieldValue(h.Value):
		return fmt.Errorf("header %s: its value cannot be sent", h.Name)
	default:
		return nil
	}
}

// isReserved reports whether a header is carrier's, the connection's, or one that only the message
// may set. The name is folded.
func isReserved(name string) bool {
	return isCarriers(name) || isProducers(name)
}

// isCarriers reports whether a header is set by carrier or by HTTP alone. The name is folded.
func isCarriers(name string) bool {
	if strings.HasPrefix(name, ownPrefix) || http1.IsHopByHop(name) {
		return true
	}
	switch name {
	case "Host", "Content-Length", "Expect", "Content-Type", "Traceparent", "Tracestate", amazonTraceHeader:
		return true
	default:
		return false
	}
}

// isProducers reports whether a header is one that only the producer may set: its key and its own
// Standard Webhooks signature, which a worker behind carrier may still want to check. It travels in a
// replay alone, and there only where carrier does not sign itself. The name is folded.
func isProducers(name string) bool {
	switch name {
	case "Idempotency-Key", "X-Idempotency-Key":
		return true
	default:
		return isSignature(name)
	}
}

// appendOwn appends the headers that tell the worker about m. Ids and names are escaped as attributes
// are, so that none can break the request.
func (b *builder) appendOwn(dst []byte, m *message.Message, deadline time.Time) []byte {
	dst = appendHeader(dst, idHeader, percent.Value(m.ID))
	dst = appendNumber(dst, receiveCountHeader, int64(m.ReceiveCount))
	dst = appendHeader(dst, sourceHeader, percent.Value(m.Source))
	dst = appendNumber(dst, deadlineHeader, deadline.Unix())
	if !m.FirstReceived.IsZero() {
		dst = appendNumber(dst, firstReceivedHeader, m.FirstReceived.Unix())
	}
	if !m.Sent.IsZero() {
		dst = appendNumber(dst, sentHeader, m.Sent.Unix())
	}
	if m.Group != "" {
		dst = appendHeader(dst, groupHeader, percent.Value(m.Group))
	}
	if b.failover {
		dst = appendHeader(dst, failoverHeader, "1")
	}
	if b.channel != "" {
		dst = appendHeader(dst, channelHeader, percent.Value(b.channel))
	}
	if m.OriginalID != "" && len(m.OriginalID) <= longestValue {
		dst = appendHeader(dst, originalIDHeader, percent.Value(m.OriginalID))
	}
	return dst
}

// appendContent says what the body is, as the format or the producer said it, if that can be sent at all.
func (r *request) appendContent(dst []byte) []byte {
	if r.content.ContentType != "" {
		return appendHeader(dst, "Content-Type", r.content.ContentType)
	}
	dst = appendHeader(dst, "Content-Type", ContentType(r.m, r.builder.contentType))
	if r.m.Request == nil || r.builder.fixed.names["Content-Encoding"] {
		return dst
	}
	for _, encoding := range r.m.Request.Header["Content-Encoding"] {
		if httpguts.ValidHeaderFieldValue(encoding) {
			dst = appendHeader(dst, "Content-Encoding", encoding)
		}
	}
	return dst
}

// appendFormat appends the headers of the format, save those that the operator sets.
func (r *request) appendFormat(dst []byte) []byte {
	for _, h := range r.content.Headers {
		if !r.builder.fixed.names[http1.Folded(h.Name)] {
			dst = appendHeader(dst, h.Name, h.Value)
		}
	}
	return dst
}

func appendHeader(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

func appendNumber(dst []byte, name string, value int64) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, "\r\n"...)
}
