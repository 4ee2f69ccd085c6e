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

// fixedHeader is what every request carries: the operator's headers, the endpoint's
// own credential, and who we are.
func fixedHeader(opts Options) (http.Header, error) {
	fixed := http.Header{"User-Agent": {"carrier/" + opts.Version}}
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

// setOwn sets the headers that tell the worker about m. Ids and names are escaped as
// attributes are, so that none can break the request.
func (b *builder) setOwn(h http.Header, m *message.Message, now time.Time) {
	h[idHeader] = []string{encodeValue(m.ID)}
	h[receiveCountHeader] = []string{strconv.Itoa(m.ReceiveCount)}
	h[sourceHeader] = []string{encodeValue(m.Source)}
	h[deadlineHeader] = []string{seconds(now.Add(b.timeout))}
	if !m.FirstReceived.IsZero() {
		h[firstReceivedHeader] = []string{seconds(m.FirstReceived)}
	}
	if !m.Sent.IsZero() {
		h[sentHeader] = []string{seconds(m.Sent)}
	}
	if m.Group != "" {
		h[groupHeader] = []string{encodeValue(m.Group)}
	}
}

// setAttributes gives each attribute a header of its own. Names that differ only in
// case are sent as two lines of what is one header to HTTP: the worker sees both values.
func setAttributes(h http.Header, attributes []message.Attribute) {
	for _, a := range attributes {
		name := attributePrefix + encodeName(a.Name)
		h[name] = append(h[name], encodeValue(a.Value))
	}
}

// setContentType sets what the producer said, if that can be sent at all.
func (b *builder) setContentType(h http.Header, contentType string) {
	if contentType == "" || !httpguts.ValidHeaderFieldValue(contentType) {
		h["Content-Type"] = b.contentType
		return
	}
	h["Content-Type"] = []string{contentType}
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
