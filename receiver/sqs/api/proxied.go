package api

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
)

// proxied makes requests through the proxy of the environment, which net/http's
// transport knows how to speak to.
type proxied struct {
	transport *http.Transport
	template  *http.Request
}

// isProxied reports whether t would send req by a proxy, or cannot tell by which.
func isProxied(t *http.Transport, req *http.Request) bool {
	if t.Proxy == nil {
		return false
	}
	proxy, err := t.Proxy(req)
	return proxy != nil || err != nil
}

// exchange is as a wire's.
func (p proxied) exchange(ctx context.Context, request []byte, use func(*http.Response) error) error {
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	req.URL, req.RequestURI = p.template.URL, ""
	// Lets net/http send the body on a fresh connection when it could not write a byte
	// of it on one that the server had closed; it repeats a POST in no other case. And
	// nobody can close it while it is being sent.
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	resp, err := p.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up: nothing is left to learn
	return use(resp)
}
