package http1

import (
	"net/http"
	"strings"
)

// IsHopByHop reports whether a header field concerns one connection only, and is not handed on with
// a request that is made again (RFC 9110, section 7.6.1, and what older clients send). The name is
// in the form of http.CanonicalHeaderKey.
func IsHopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate",
		"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	default:
		return false
	}
}

// Folded is the name that a header field may have for a server that hands it on as an environment
// variable (CGI, WSGI, Rack, PHP): all but letters and digits becomes one and the same there, and
// here a hyphen. The result is in the form of http.CanonicalHeaderKey.
func Folded(name string) string {
	return http.CanonicalHeaderKey(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, name))
}
