package sqs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
)

// A signer signs requests that are alike but for target, body, time and credentials, by
// AWS Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
// The SDK's signer puts all of it together anew for each request. It may be used by many
// goroutines at once.
type signer struct {
	region, service string
	top             string  // of the canonical request: method, path and no query
	fields          []field // in the order of their names

	mu  sync.Mutex
	key signingKey
}

// A field is one signed header; without a value where that is a call's own.
type field struct{ name, value string }

// A signingKey is good for one secret on one day.
type signingKey struct {
	secret, day string
	key         []byte
}

// A call is what is a request's own.
type call struct {
	target      string
	payload     payload
	at          time.Time
	credentials aws.Credentials
}

// newSigner makes a signer of requests like req, for a service in a region.
func newSigner(req *http.Request, region, service string) *signer {
	path := max(req.URL.EscapedPath(), "/") // an empty one is the root
	s := &signer{
		region: region, service: service,
		top:    req.Method + "\n" + httpbinding.EscapePath(path, false) + "\n\n",
		fields: []field{{"host", req.Host}, {"content-length", ""}, {"x-amz-date", ""}, {"x-amz-security-token", ""}, {"x-amz-target", ""}},
	}
	for name, values := range req.Header {
		if name != "User-Agent" && name != "X-Amzn-Trace-Id" { // anybody on the way may change those
			s.fields = append(s.fields, field{strings.ToLower(name), strings.Join(values, ",")})
		}
	}
	slices.SortFunc(s.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return s
}

// sign returns the time of c as its header has it, and the header Authorization.
func (s *signer) sign(c call) (date, authorization string) {
	date = c.at.UTC().Format(dateFormat)
	day := date[:len("20060102")]
	scope := day + "/" + s.region + "/" + s.service + "/aws4_request"
	canonical, names := s.canonical(c, date)
	sum := sha256.Sum256(canonical)
	text := algorithm + "\n" + date + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	signature := hex.EncodeToString(mac(s.keyFor(c.credentials.SecretAccessKey, day), text))
	return date, algorithm + " Credential=" + c.credentials.AccessKeyID + "/" + scope +
		", SignedHeaders=" + names + ", Signature=" + signature
}

// canonical returns the request as it is signed, and the names of its signed headers.
func (s *signer) canonical(c call, date string) (request []byte, names string) {
	request = append(make([]byte, 0, 1<<10), s.top...)
	all := make([]byte, 0, 128)
	for _, f := range s.fields {
		switch f.name {
		case "content-length":
			f.value = strconv.Itoa(len(c.payload.body))
		case "x-amz-date":
			f.value = date
		case "x-amz-target":
			f.value = c.target
		case "x-amz-security-token":
			f.value = c.credentials.SessionToken
			if f.value == "" {
				continue
			}
		}
		request = append(request, f.name...)
		request = append(append(append(request, ':'), f.value...), '\n')
		if len(all) > 0 {
			all = append(all, ';')
		}
		all = append(all, f.name...)
	}
	request = append(append(append(request, '\n'), all...), '\n')
	return append(request, c.payload.hash...), string(all)
}

// keyFor derives the key for a secret and a day, or remembers it.
func (s *signer) keyFor(secret, day string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key.secret != secret || s.key.day != day {
		key := []byte("AWS4" + secret)
		for _, part := range []string{day, s.region, s.service, "aws4_request"} {
			key = mac(key, part)
		}
		s.key = signingKey{secret, day, key}
	}
	return s.key.key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text))
	return h.Sum(nil)
}
