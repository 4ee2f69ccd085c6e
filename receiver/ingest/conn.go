package ingest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"carrier/receiver/ingest/request"
)

// The states of a connection. A request is handled only by who could move it out of
// stateWaiting, and stored only by who could move it out of stateReceiving: a connection that is
// closed to make room has nothing stored of it that the producer gets no answer to.
const (
	stateWaiting   int32 = iota // for a request, or its head is being read
	stateReceiving              // a body
	stateAnswering
	stateClosed
)

// A conn is one producer's connection. It knows whether it is idle, bounds the time of writes,
// and turns the answers that net/http gives by itself, in plain text, into problem documents.
// Only the goroutine of the connection writes to it.
type conn struct {
	net.Conn
	raw      net.Conn // beneath TLS
	listener *listener
	state    atomic.Int32
	active   atomic.Int64 // when something was read last, or answered; Unix nanoseconds
	fresh    atomic.Bool  // no request of it has been answered yet
	late     atomic.Bool  // the last Read ended by its deadline
	writeBy  time.Time    // what the connection was told
	left     sync.Once
}

func newConn(nc net.Conn, l *listener) *conn {
	c := &conn{Conn: nc, raw: nc, listener: l}
	if l.certificate != nil {
		c.Conn = tls.Server(nc, l.certificate) // which shakes hands in the first Read
	}
	c.fresh.Store(true)
	c.touch()
	return c
}

type connKey struct{}

// withConn is how the handler finds the connection of its request.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

func connOf(r *http.Request) *conn { return r.Context().Value(connKey{}).(*conn) }

func (c *conn) touch() { c.active.Store(time.Now().UnixNano()) }

// move changes the state, unless it is another one than from.
func (c *conn) move(from, to int32) bool { return c.state.CompareAndSwap(from, to) }

// await is called when a request is answered and the next one may come.
func (c *conn) await() {
	c.touch()
	c.fresh.Store(false)
	if s := c.state.Load(); s == stateClosed || !c.move(s, stateWaiting) {
		return
	}
	if c.listener.isStopped() {
		_ = c.Close()
	}
	c.listener.signal()
}

// idleSince returns when the connection was active last, and whether it may be closed: it waits
// for a request, or for a body of which nothing has come for some time.
func (c *conn) idleSince() (time.Time, bool) {
	at := time.Unix(0, c.active.Load())
	switch c.state.Load() {
	case stateWaiting:
		return at, true
	case stateReceiving:
		return at, time.Since(at) >= stalledAfter
	default:
		return at, false
	}
}

// closeIdle closes the socket of an idle connection, and reports whether it was idle still.
func (c *conn) closeIdle() bool {
	if !c.move(stateWaiting, stateClosed) && !c.move(stateReceiving, stateClosed) {
		return false
	}
	_ = c.raw.Close() // not TLS's own, which may wait for the producer
	return true
}

// Read notes when something came.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.touch()
	}
	c.late.Store(errors.Is(err, os.ErrDeadlineExceeded))
	return n, err
}

// Write writes within writeTimeout. What is written before a handler has begun is net/http's own
// refusal.
func (c *conn) Write(p []byte) (int, error) {
	// A deadline that is less than a second early does as well, so that a busy connection
	// sets its own once a second.
	if by := time.Now().Add(writeTimeout); by.Sub(c.writeBy) >= time.Second {
		c.writeBy = by
		_ = c.SetWriteDeadline(by)
	}
	if c.state.Load() != stateWaiting {
		return c.Conn.Write(p)
	}
	status := statusOf(p)
	if c.late.Load() {
		status = http.StatusRequestTimeout // which net/http takes for a malformed head
	}
	return len(p), c.refuse(status)
}

// statusOf reads the status line of an answer.
func statusOf(answer []byte) int {
	fields := bytes.Fields(answer[:min(len(answer), 16)])
	if len(fields) < 2 {
		return http.StatusBadRequest
	}
	status, err := strconv.Atoi(string(fields[1]))
	if err != nil || status < 400 || status > 599 {
		return http.StatusBadRequest
	}
	return status
}

// refuse answers what is no request that a handler could be given, and closes gracefully.
func (c *conn) refuse(status int) error {
	c.state.CompareAndSwap(stateWaiting, stateAnswering)
	answer := rawAnswer{header: http.Header{"Connection": {"close"}}}
	request.Malformed(status).Write(&answer)
	_, err := c.Conn.Write(answer.Bytes())
	c.listener.options.OnAnswer(status)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	c.drainRefused(c.Conn)
	return err
}

// A rawAnswer is an answer as it is sent.
type rawAnswer struct {
	bytes.Buffer
	header http.Header
}

// Header is what WriteHeader writes.
func (a *rawAnswer) Header() http.Header { return a.header }

// WriteHeader writes the head.
func (a *rawAnswer) WriteHeader(status int) {
	a.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_, _ = fmt.Fprintf(a, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = a.header.Write(a)
	_, _ = a.WriteString("\r\n")
}

// What a producer may still send of a request that is refused.
const (
	drainTimeout = time.Second
	drainBytes   = 16 << 20
)

// drainRefused reads on for a while after a refusal, and reports whether rest came to its end. A
// producer that is writing its body when the connection is closed gets a reset, and the answer is
// lost with it.
func (c *conn) drainRefused(rest io.Reader) bool {
	_ = c.SetReadDeadline(time.Now().Add(drainTimeout))
	_, err := io.CopyN(io.Discard, rest, drainBytes)
	return errors.Is(err, io.EOF)
}

// Close gives the place of the connection to another.
func (c *conn) Close() error {
	c.state.Store(stateClosed)
	c.left.Do(func() { c.listener.leave(c) })
	return c.Conn.Close()
}
