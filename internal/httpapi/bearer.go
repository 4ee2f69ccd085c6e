package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// HasBearer reports whether r carries token as its bearer token (RFC 6750, section 2.1). Digests
// are compared, so that the time it takes shows neither the token's bytes nor its length. An
// empty token is never matched, nor is a request with several Authorization headers.
func HasBearer(r *http.Request, token string) bool {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return false
	}
	scheme, sent, _ := strings.Cut(headers[0], " ")
	want, got := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(strings.TrimSpace(sent)))
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return same && token != "" && strings.EqualFold(scheme, "Bearer")
}

// Unauthorized is the answer to a request without the token it needs.
func Unauthorized() Problem {
	return Problem{
		Status: http.StatusUnauthorized,
		Detail: "the bearer token is missing or wrong",
		Header: http.Header{"Www-Authenticate": {`Bearer realm="carrier"`}},
	}
}
