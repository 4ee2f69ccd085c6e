// Package bufferedbody makes HTTP calls for the AWS SDK in tests and benchmarks: the SDK closes a
// request's body too early.
package bufferedbody

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// A Client makes calls whose request bodies are in memory. It is safe for concurrent use.
//
// The SDK closes the body it gave as soon as there is an answer, and a server that answers within
// microseconds does so before net/http has noted that the body was sent. net/http then takes the
// closed body for a failed request, drops the connection in the middle of the answer, and what the
// answer said is lost.
type Client struct {
	HTTP *http.Client
}

// Do sends req as HTTP does, after it has read all of its body.
func (c Client) Do(req *http.Request) (*http.Response, error) {
	whole, err := readBody(req)
	if err != nil {
		return nil, err
	}
	return c.HTTP.Do(whole)
}

// readBody returns a copy of req whose body nobody else can close. GetBody lets net/http send it on
// a fresh connection when it could not write a byte of it on one that the server had closed; it
// repeats a POST in no other case.
func readBody(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	whole := req.WithContext(req.Context())
	whole.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	whole.Body, _ = whole.GetBody()
	whole.ContentLength = int64(len(body))
	return whole, nil
}
