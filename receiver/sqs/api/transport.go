package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"carrier/internal/http1"
)

const (
	// headLimit is the most bytes that the head of an answer may hold.
	headLimit = 256 << 10
	// idleLimit is how long a connection is kept unused: shorter than a load balancer's usual
	// minute, so that it is us who close it.
	idleLimit = 50 * time.Second
	// maxAge is how old a connection may be when a request is sent on it, so that a changed address
	// of the service is followed.
	maxAge = 5 * time.Minute
)

// An exchanger sends a request and hands the answer to use, once its head is there; use has until
// its return to read the body. The end of ctx cuts both.
type exchanger func(ctx context.Context, request []byte, use func(*http.Response) error) error

// exchangerTo returns an exchanger to the server of template, with the dialer, the certificates and
// the proxy of t, and what closes it.
func exchangerTo(t *http.Transport, template *http.Request) (exchanger, func()) {
	if isProxied(t, template) {
		return proxied{t, template}.exchange, func() {}
	}
	client := newHTTP1(t, template)
	return func(ctx context.Context, request []byte, use func(*http.Response) error) error {
		_, err := client.Do(ctx, http1.Request{Head: request, Read: use})
		return err
	}, client.Close
}

func newHTTP1(t *http.Transport, template *http.Request) *http1.Client {
	base := template.URL
	port := base.Port()
	if port == "" {
		port = base.Scheme // the dialer knows http and https
	}
	address := net.JoinHostPort(base.Hostname(), port)
	o := http1.Options{
		Dial:        func(ctx context.Context) (net.Conn, error) { return t.DialContext(ctx, "tcp", address) },
		IdleTimeout: idleLimit, MaxAge: maxAge, HeadLimit: headLimit,
	}
	if base.Scheme == "https" {
		c := tlsConfig(t, base.Hostname())
		o.TLS = func() *tls.Config { return c }
	}
	return http1.New(o)
}

// tlsConfig is t's for the server called host. HTTP/1.1 is what a server speaks that is not asked.
func tlsConfig(t *http.Transport, host string) *tls.Config {
	c := t.TLSClientConfig.Clone()
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.ServerName == "" {
		c.ServerName = host
	}
	if c.ClientSessionCache == nil {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	c.NextProtos = nil
	return c
}

// newTransport makes a transport of our own, so that it can be closed, with the certificates and
// the proxy of the AWS configuration. It speaks HTTP/1.1: SQS offers nothing else.
func newTransport(cfg aws.Config) *http.Transport {
	buildable, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		buildable = awshttp.NewBuildableClient()
	}
	t := buildable.GetTransport()
	t.ForceAttemptHTTP2 = false
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = idleConnections
	t.IdleConnTimeout = idleLimit
	t.TLSHandshakeTimeout = callTimeout
	return t
}

// idleConnections is how many connections to a proxy are kept for the next call: open receives
// and settlements come and go together, and each new connection is a TLS handshake.
const idleConnections = 128

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

// exchange is an exchanger.
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
