package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// answerLimit is how much of an answer's body is read; there is nothing in it for us.
	answerLimit = 64 << 10
	// headLimit is the most an answer's head may hold.
	headLimit = 64 << 10
	// idleLimit is how long a connection is kept unused: less than the two seconds after
	// which gunicorn closes it, which would cut off the next request.
	idleLimit = 1500 * time.Millisecond
)

var errTooSlow = errors.New("no answer in time")

// newWire returns the connections to one endpoint, at most count of them. It speaks
// HTTP/1.1, follows no redirect, asks no proxy, and adds nothing to a request.
func newWire(d *dialer, count int) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            d.dial,
		DialTLSContext:         d.dialTLS,
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConns:           count,
		MaxIdleConnsPerHost:    count,
		MaxConnsPerHost:        count,
		IdleConnTimeout:        idleLimit,
		MaxResponseHeaderBytes: headLimit,
	}
}

// readAnswer reads the answer's body to its end, so that the connection can be used
// again, or to the limit, where the connection is closed. The error says that the body
// broke off before either.
func readAnswer(resp *http.Response) error {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil // what follows is not HTTP
	}
	_, err := io.Copy(io.Discard, io.LimitReader(resp.Body, answerLimit))
	return err
}

// A limit ends a request that takes too long.
type limit struct {
	timeout time.Duration
	timer   *time.Timer
	cancel  context.CancelCauseFunc
}

func startLimit(ctx context.Context, timeout time.Duration) (context.Context, *limit) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(timeout, func() { cancel(errTooSlow) })
	return ctx, &limit{timeout: timeout, timer: timer, cancel: cancel}
}

// restart gives what comes next as long again.
func (l *limit) restart() { l.timer.Reset(l.timeout) }

func (l *limit) stop() {
	l.timer.Stop()
	l.cancel(nil)
}

// A dialer connects to one endpoint, whatever address it is asked for. A connect or a
// handshake that nobody waits for any more still ends within timeout.
type dialer struct {
	endpoint     Endpoint
	timeout      time.Duration
	certificates *certificates
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
