package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// A wire makes requests over HTTP/1.1, one at a time on each of its connections. It
// follows no redirect, asks no proxy, makes no request twice, and adds nothing to one.
type wire struct {
	pool    *pool
	timeout time.Duration
}

// post sends r and reads the whole answer, whose body is lost. The head has to be there
// within the timeout, dialling included, and the body within as long again. An error
// with an answer says that it broke off after its head.
func (w *wire) post(ctx context.Context, r *request) (*answer, error) {
	deadline := time.Now().Add(w.timeout)
	for {
		c, err := w.connection(ctx, deadline)
		if err != nil {
			return nil, err
		}
		used := c.used
		a, err := w.exchange(ctx, c, r, deadline)
		if used && errors.Is(err, errUnsent) && ctx.Err() == nil {
			continue // the worker had closed it; nothing of r has left
		}
		return a, err
	}
}

// An answer is the head of what the worker said.
type answer struct {
	status int
	header http.Header
}

func (w *wire) connection(ctx context.Context, deadline time.Time) (*conn, error) {
	if c := w.pool.idling(); c != nil {
		return c, nil
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return w.pool.get(ctx)
}

// exchange makes one request on c and gives c back.
func (w *wire) exchange(ctx context.Context, c *conn, r *request, deadline time.Time) (a *answer, err error) {
	reusable := false
	defer func() { w.pool.put(c, reusable) }()
	if err := c.SetDeadline(deadline); err != nil {
		return nil, errors.Join(errUnsent, err)
	}
	c.cutBy(ctx)
	sent := c.send(r)
	defer func() { reusable = sent.end(c) && reusable }()
	if errors.Is(sent.err, errUnsent) {
		return nil, sent.err
	}
	// A worker may answer and close before it has read everything: its answer counts.
	if status, ok := c.atOnce(); ok {
		reusable = c.reader.Buffered() == 0 && ctx.Err() == nil
		return &answer{status: status}, nil
	}
	resp, err := c.receive() //nolint:bodyclose // closing would read past the limit; the connection is ours to close
	if err != nil {
		return nil, errors.Join(sent.err, err)
	}
	c.extend(ctx, resp, w.timeout)
	reusable, err = c.drain(resp)
	reusable = reusable && ctx.Err() == nil
	return &answer{status: resp.StatusCode, header: resp.Header}, err
}

// A dialer connects to one endpoint. A connect or a handshake that nobody waits for any
// more still ends within timeout.
type dialer struct {
	endpoint     Endpoint
	timeout      time.Duration
	certificates *certificates
}

// connect makes a connection that requests can be sent on.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	if d.endpoint.scheme == "https" {
		return d.dialTLS(ctx, "", "")
	}
	return d.dial(ctx, "", "")
}

func (d *dialer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	plain := net.Dialer{Timeout: d.timeout}
	return plain.DialContext(ctx, d.endpoint.network, d.endpoint.address)
}

func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	secured := tls.Client(conn, d.certificates.current(d.endpoint))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &handshakeError{err}
	}
	return secured, nil
}

// A handshakeError is a TLS failure; it is told from a refused connection by its type.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "tls: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }
