package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"carrier/message"
)

// The names of the headers, spelled as they are sent.
const (
	ownPrefix       = "X-Carrier-"
	attributePrefix = ownPrefix + "Attribute-"
	actionHeader    = ownPrefix + "Action"

	idHeader            = ownPrefix + "Message-Id"
	receiveCountHeader  = ownPrefix + "Receive-Count"
	firstReceivedHeader = ownPrefix + "First-Receive-Time"
	sentHeader          = ownPrefix + "Sent-Time"
	sourceHeader        = ownPrefix + "Source"
	groupHeader         = ownPrefix + "Group-Id"
	deadlineHeader      = ownPrefix + "Deadline"

	traceparentHeader = "traceparent"
	tracestateHeader  = "tracestate"
	amazonTraceHeader = "X-Amzn-Trace-Id"
)

// A Header is one header that the operator adds to every request.
type Header struct {
	Name, Value string
}

func agentOf(version string) string { return "carrier/" + version }

// fixedHeader is what every request carries: the operator's headers, the endpoint's
// own credential, and who we are.
func fixedHeader(opts Options) (http.Header, error) {
	fixed := http.Header{"User-Agent": {agentOf(opts.Version)}}
	if opts.Endpoint.authorization != "" {
		fixed["Authorization"] = []string{opts.Endpoint.authorization}
	}
	added := make(http.Header)
	var faults []error
	for _, h := range opts.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		if err := checkAdded(h); err != nil {
			faults = append(faults, err)
			continue
		}
		added[name] = append(added[name], h.Value)
		fixed[name] = added[name]
	}
	return fixed, errors.Join(faults...)
}

// checkAdded says why the operator may not add h; the value is never repeated.
func checkAdded(h Header) error {
	switch {
	case !httpguts.ValidHeaderFieldName(h.Name):
		return fmt.Errorf("header %q: no name of a header", h.Name)
	case isReserved(h.Name):
		return fmt.Errorf("header %s: may not be set", h.Name)
	case !httpguts.ValidHeaderFieldValue(h.Value):
		return fmt.Errorf("header %s: its value cannot be sent", h.Name)
	default:
		return nil
	}
}

// isReserved reports whether a header is carrier's, the connection's, or one that only
// the message may set. An underscore counts as a hyphen, since the gateways of many
// languages (CGI, WSGI, Rack) make one of the other.
func isReserved(name string) bool {
	name = hyphened(name)
	if strings.HasPrefix(name, ownPrefix) || isHopByHop(name) {
		return true
	}
	switch name {
	case "Host", "Content-Length", "Expect", "Content-Type",
		"Idempotency-Key", "X-Idempotency-Key",
		"Traceparent", "Tracestate", amazonTraceHeader,
		"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature":
		return true
	default:
		return false
	}
}

// isHopByHop reports whether a header concerns one connection only (RFC 9110, section
// 7.6.1, and what older clients send).
func isHopByHop(canonical string) bool {
	switch canonical {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate",
		"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	default:
		return false
	}
}

func hyphened(name string) string {
	return http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

// appendOwn appends the headers that tell the worker about m. Ids and names are escaped
// as attributes are, so that none can break the request.
func (b *builder) appendOwn(dst []byte, m *message.Message, now time.Time) []byte {
	dst = appendHeader(dst, idHeader, encodeValue(m.ID))
	dst = appendNumber(dst, receiveCountHeader, int64(m.ReceiveCount))
	dst = appendHeader(dst, sourceHeader, encodeValue(m.Source))
	dst = appendNumber(dst, deadlineHeader, now.Add(b.timeout).Unix())
	if !m.FirstReceived.IsZero() {
		dst = appendNumber(dst, firstReceivedHeader, m.FirstReceived.Unix())
	}
	if !m.Sent.IsZero() {
		dst = appendNumber(dst, sentHeader, m.Sent.Unix())
	}
	if m.Group != "" {
		dst = appendHeader(dst, groupHeader, encodeValue(m.Group))
	}
	return dst
}

// appendAttributes gives each attribute a header of its own. Names that differ only in
// case are sent as two lines of what is one header to HTTP: the worker sees both values.
func appendAttributes(dst []byte, attributes []message.Attribute) []byte {
	for _, a := range attributes {
		dst = append(dst, attributePrefix...)
		dst = appendHeader(dst, encodeName(a.Name), encodeValue(a.Value))
	}
	return dst
}

// appendContent says what the body is, as the producer said it, if that can be sent at
// all.
func (b *builder) appendContent(dst []byte, m *message.Message) []byte {
	contentType := m.ContentType
	if contentType == "" || !httpguts.ValidHeaderFieldValue(contentType) {
		contentType = b.contentType
	}
	dst = appendHeader(dst, "Content-Type", contentType)
	if m.Request == nil || b.fixed["Content-Encoding"] != nil {
		return dst
	}
	for _, encoding := range m.Request.Header["Content-Encoding"] {
		if httpguts.ValidHeaderFieldValue(encoding) {
			dst = appendHeader(dst, "Content-Encoding", encoding)
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
