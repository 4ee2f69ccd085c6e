package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"carrier/internal/peer"
)

const (
	// headLimit is the most that the head of an answer may hold.
	headLimit = 256 << 10
	// idleLimit is how long a connection is kept unused: shorter than a load balancer's
	// usual minute, so that it is us who hang up.
	idleLimit = 50 * time.Second
)

var errHeadTooLong = errors.New("the head of the answer is too long")

// A wire makes requests over HTTP/1.1, each in the goroutine of its caller. net/http's
// transport keeps two goroutines for a connection, and handing a request and its answer
// to and fro costs as much as all else that a call does. A request is sent anew in one
// case only: nothing of it could be written on a connection that was idle before.
type wire struct {
	dial func(context.Context) (net.Conn, error)

	mu     sync.Mutex
	idle   []*link // the one used last at the end
	closed bool
}

// A link is one connection. One goroutine uses it at a time.
type link struct {
	net.Conn
	peer   *peer.Peer
	reader *bufio.Reader
	budget int // bytes that may still be read of an answer's head; negative is no limit
	used   bool
	idle   time.Time
}

// newWire makes a wire to the server of base, with the dialer, the certificates and the
// time limits of t.
func newWire(t *http.Transport, base *url.URL) *wire {
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	address := net.JoinHostPort(base.Hostname(), port)
	return &wire{dial: func(ctx context.Context) (net.Conn, error) {
		c, err := t.DialContext(ctx, "tcp", address)
		if err != nil || base.Scheme != "https" {
			return c, err
		}
		return secure(ctx, c, t, base.Hostname())
	}}
}

// secure makes the handshake of TLS. HTTP/1.1 is what a server speaks that is not asked.
func secure(ctx context.Context, c net.Conn, t *http.Transport, host string) (net.Conn, error) {
	config := t.TLSClientConfig.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = nil
	ctx, cancel := context.WithTimeout(ctx, t.TLSHandshakeTimeout)
	defer cancel()
	secured := tls.Client(c, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return secured, nil
}

// exchange sends a request and hands the answer to use, which has until its return to
// read the body. The end of ctx cuts both; the error is then ctx's.
func (w *wire) exchange(ctx context.Context, request []byte, use func(*http.Response) error) error {
	for {
		l, err := w.take(ctx)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { _ = l.Close() })
		written, err := l.Write(request)
		unsent := err != nil && written == 0 && l.used
		whole := false
		if err == nil {
			whole, err = l.answer(use)
		}
		if !stop() && err != nil {
			err = errors.Join(ctx.Err(), err)
		}
		w.put(l, whole && ctx.Err() == nil)
		if unsent && ctx.Err() == nil {
			continue // the server had closed it
		}
		return err
	}
}

// answer reads the head of an answer and hands it to use. It reports whether the link
// may carry another request.
func (l *link) answer(use func(*http.Response) error) (reusable bool, err error) {
	resp, err := l.head() //nolint:bodyclose // closing would read on: what is not at its end is not used again
	if err != nil {
		return false, err
	}
	if err := use(resp); err != nil {
		return false, err
	}
	var more [1]byte
	_, end := resp.Body.Read(more[:]) // waits for nothing where all was read
	return end == io.EOF && !resp.Close && l.reader.Buffered() == 0, nil
}

// head reads the head of the final answer; interim ones (1xx) come out of its budget.
func (l *link) head() (*http.Response, error) {
	l.budget = headLimit
	defer func() { l.budget = -1 }()
	for {
		resp, err := http.ReadResponse(l.reader, nil)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// Read reads no more than the budget allows.
func (l *link) Read(p []byte) (int, error) {
	if l.budget < 0 {
		return l.Conn.Read(p)
	}
	if l.budget == 0 {
		return 0, errHeadTooLong
	}
	n, err := l.Conn.Read(p[:min(len(p), l.budget)])
	l.budget -= n
	return n, err
}

// take returns the idle link that was used last and is still open, or a new one.
func (w *wire) take(ctx context.Context) (*link, error) {
	for l := w.pop(); l != nil; l = w.pop() {
		if time.Since(l.idle) < idleLimit && l.peer.Waits() {
			return l, nil
		}
		_ = l.Close()
	}
	c, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	l := &link{Conn: c, peer: peer.Of(c)}
	l.reader = bufio.NewReader(l)
	return l, nil
}

func (w *wire) pop() *link {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.idle) - 1
	if last < 0 {
		return nil
	}
	l := w.idle[last]
	w.idle[last] = nil
	w.idle = w.idle[:last]
	return l
}

// put keeps l for the next request, and closes those that were idle for too long. There
// are never more than were in use at once.
func (w *wire) put(l *link, reusable bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !reusable || w.closed {
		_ = l.Close()
		return
	}
	l.used, l.idle = true, time.Now()
	stale := 0
	for stale < len(w.idle) && l.idle.Sub(w.idle[stale].idle) >= idleLimit {
		_ = w.idle[stale].Close()
		stale++
	}
	w.idle = append(append(w.idle[:0], w.idle[stale:]...), l)
}

// close closes the idle links, and those in use once their answers are read.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, l := range w.idle {
		_ = l.Close()
	}
	w.idle = nil
}
