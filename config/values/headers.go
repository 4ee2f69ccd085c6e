package values

import (
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// A Header is one header of CARRIER_WEBHOOK_HEADERS.
type Header struct {
	Name, Value string
}

// ParseHeaders reads Name:value,Name:value and reports whether it is well formed. A
// name may come more than once.
func ParseHeaders(list string) ([]Header, bool) {
	if list == "" {
		return nil, true
	}
	var headers []Header
	for pair := range strings.SplitSeq(list, ",") {
		name, value, found := strings.Cut(pair, ":")
		h := Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)}
		if !found || !httpguts.ValidHeaderFieldName(h.Name) || !httpguts.ValidHeaderFieldValue(h.Value) || taken(h.Name) {
			return nil, false
		}
		headers = append(headers, h)
	}
	return headers, true
}

// taken reports whether a header called name belongs to HTTP, to carrier, or to the
// message. The idempotency keys are among them since net/http repeats a POST that has
// one. An underscore is a hyphen to many a worker's gateway, and so it is here.
func taken(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	return strings.HasPrefix(name, "x-carrier-") || strings.HasPrefix(name, "webhook-") ||
		slices.Contains([]string{
			"host", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
			"proxy-connection", "proxy-authenticate", "proxy-authorization",
			"transfer-encoding", "content-length", "content-type", "idempotency-key", "x-idempotency-key",
			"traceparent", "tracestate", "x-amzn-trace-id",
		}, name)
}
