package config

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// ExtraHeaders are CARRIER_WEBHOOK_HEADERS taken apart; nil when there are none. They
// are as secret as the variable.
func (w WebhookOptions) ExtraHeaders() http.Header {
	header, _ := parseHeaders(w.Headers.Reveal())
	return header
}

// parseHeaders reads Name:value,Name:value and reports whether it is well formed. A
// name may come more than once.
func parseHeaders(list string) (http.Header, bool) {
	if list == "" {
		return nil, true
	}
	header := http.Header{}
	for pair := range strings.SplitSeq(list, ",") {
		name, value, found := strings.Cut(pair, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || taken(name) {
			return nil, false
		}
		header.Add(name, value)
	}
	return header, true
}

// taken reports whether a header called name belongs to HTTP or carrier itself. The
// idempotency keys are among them since net/http repeats a POST that has one.
func taken(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "x-carrier-") || strings.HasPrefix(name, "webhook-") ||
		slices.Contains([]string{
			"host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect",
			"transfer-encoding", "content-length", "content-type", "idempotency-key", "x-idempotency-key",
		}, name)
}
