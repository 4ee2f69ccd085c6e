package webhook

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"carrier/message"
)

// replayMethod is the method a stored request is made again with. Only those that
// ingest takes are.
func replayMethod(method string) string {
	switch method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		return method
	default:
		return http.MethodPost
	}
}

// joinPath puts the request's escaped path below the endpoint's, byte for byte. The
// bare path "/" is the endpoint's own. A path that could lead out of it is refused, as ingest
// does before it stores one.
func joinPath(base, path string) (string, error) {
	if err := message.CheckPath(path); err != nil {
		return "", fmt.Errorf("not replayed: %w", err)
	}
	if path == "" || path == "/" {
		return base, nil
	}
	return strings.TrimSuffix(base, "/") + escapeTarget(rooted(path)), nil
}

func joinQuery(base, query string) string {
	query = escapeTarget(query)
	switch {
	case base == "":
		return query
	case query == "":
		return base
	default:
		return base + "&" + query
	}
}

// escapeTarget escapes the bytes that would end or break the request line. Whoever
// stored the request has met none of them.
func escapeTarget(s string) string {
	return escape(s, func(i int) bool { return s[i] > ' ' && s[i] < 0x7f && s[i] != '#' })
}

// appendReplayed appends the producer's end-to-end headers, save those that carrier or
// the operator sets.
func (b *builder) appendReplayed(dst []byte, replayed http.Header) []byte {
	for name, values := range replayed {
		if !b.mayReplay(name, replayed) {
			continue
		}
		for _, value := range values {
			dst = appendHeader(dst, http.CanonicalHeaderKey(name), value)
		}
	}
	return dst
}

func (b *builder) mayReplay(name string, replayed http.Header) bool {
	if name == "Content-Encoding" || isReserved(name) && !isWebhookHeader(name) && !isIdempotencyKey(name) || b.fixed[hyphened(name)] != nil {
		return false
	}
	if httpguts.HeaderValuesContainsToken(replayed["Connection"], name) {
		return false
	}
	return httpguts.ValidHeaderFieldName(name) && validValues(replayed[name])
}

// isIdempotencyKey reports whether a header is the producer's name for what it asks. It
// is told to the worker in a replay alone.
func isIdempotencyKey(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return name == "Idempotency-Key" || name == "X-Idempotency-Key"
}

// isWebhookHeader reports whether a header is the producer's own Standard Webhooks
// signature, which a worker behind carrier may still want to check.
func isWebhookHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature":
		return true
	default:
		return false
	}
}

func validValues(values []string) bool {
	for _, v := range values {
		if !httpguts.ValidHeaderFieldValue(v) {
			return false
		}
	}
	return true
}
