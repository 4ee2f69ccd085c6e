package webhook

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter/webhook/percent"
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
	return percent.Escape(s, func(i int) bool { return s[i] > ' ' && s[i] < 0x7f && s[i] != '#' })
}

// appendAgent says who sends, unless the operator does, or the producer of a request that is made again.
func (r *request) appendAgent(dst []byte) []byte {
	const name = "User-Agent"
	b := r.builder
	if b.fixed.names[name] || b.mayReplay(name, r.replayed) && len(r.replayed[name]) > 0 {
		return dst
	}
	return appendHeader(dst, name, cmp.Or(r.content.Agent, b.agent))
}

// appendReplayed appends the producer's end-to-end headers, save those that carrier or the operator
// sets.
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
	folded := http1.Folded(name)
	switch {
	case isCarriers(folded), b.fixed.names[folded], folded == "Content-Encoding", b.signing != nil && isSignature(folded):
		return false
	case folded != http.CanonicalHeaderKey(name) && shadows(folded, replayed):
		return false
	case httpguts.HeaderValuesContainsToken(replayed["Connection"], name):
		return false
	}
	return httpguts.ValidHeaderFieldName(name) && validValues(replayed[name])
}

// shadows reports whether a header whose name is folded to this one would stand for another one of
// the same request, for a server that folds.
func shadows(folded string, replayed http.Header) bool {
	return isProducers(folded) || folded == "User-Agent" || replayed[folded] != nil
}

func validValues(values []string) bool {
	for _, v := range values {
		if !httpguts.ValidHeaderFieldValue(v) {
			return false
		}
	}
	return true
}
