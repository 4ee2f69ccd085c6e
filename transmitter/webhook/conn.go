package webhook

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"carrier/internal/peer"
)

const (
	// answerLimit is how much of an answer's body is read; there is nothing in it for us.
	answerLimit = 64 << 10
	// headLimit is the most an answer's head may hold.
	headLimit = 64 << 10
	// inlineBody is the largest body that is copied behind its head, so that one write
	// sends both.
	inlineBody = 8 << 10
	// bufferedBody is the largest request that the kernel surely takes without the worker
	// reading: a larger one is written beside the reading of the answer, which may come
	// before the worker has read it all.
	bufferedBody = 32 << 10
	// maxInterim is how many interim answers (1xx) may come before the final one.
	maxInterim = 5
	// longPast makes every read and write under way return.
	longPast = -time.Second
)

var (
	errHeadTooLong    = errors.New("the answer's head is too long")
	errTooManyInterim = errors.New("too many interim answers")
)

// A conn is one connection to the worker. One goroutine uses it at a time.
type conn struct {
	net.Conn
	peer   *peer.Peer
	reader *bufio.Reader
	head   []byte // the head of the request, and a short body behind it
	budget int    // bytes of an answer's head that may still be read; negative is no limit
	used   bool   // a request was answered on it
	idle   time.Time

	ends  <-chan struct{} // the end of the context that cuts it
	spare func() bool     // undoes that
}

func newConn(c net.Conn) *conn {
	wrapped := &conn{Conn: c, peer: peer.Of(c)}
	wrapped.reader = bufio.NewReaderSize(wrapped, 4<<10)
	return wrapped
}

// Read reads no more than the budget allows.
func (c *conn) Read(p []byte) (int, error) {
	if c.budget < 0 {
		return c.Conn.Read(p)
	}
	if c.budget == 0 {
		return 0, errHeadTooLong
	}
	n, err := c.Conn.Read(p[:min(len(p), c.budget)])
	c.budget -= n
	return n, err
}

// errUnsent means that the connection was gone before a byte of the request was
// written: nothing was posted.
var errUnsent = errors.New("nothing was sent")

// A sending is the writing of one request, which may still be under way.
type sending struct {
	err   error
	under chan bool // not nil while it is; says at the end whether all was written
}

// send writes r. A long body is written beside the reading of the answer.
func (c *conn) send(r *request) sending {
	c.head = r.appendHead(c.head[:0])
	body := r.m.Body
	if len(body) <= inlineBody {
		c.head = append(c.head, body...)
		body = nil
	}
	n, err := c.Write(c.head)
	switch {
	case err != nil && n == 0:
		return sending{err: errors.Join(errUnsent, err)}
	case err != nil || len(body) == 0:
		return sending{err: err}
	case len(body) <= bufferedBody:
		_, err := c.Write(body)
		return sending{err: err}
	}
	under := make(chan bool, 1)
	go func() {
		_, err := c.Write(body)
		under <- err == nil
	}()
	return sending{under: under}
}

// end waits for the end of the writing, and reports whether all of the request was
// written. What the worker has answered before it had read it all is not written on.
func (s sending) end(c *conn) bool {
	if s.under == nil {
		return s.err == nil
	}
	select {
	case whole := <-s.under:
		return whole
	default:
		_ = c.Close()
		<-s.under
		return false
	}
}

// receive reads the head of the final answer.
func (c *conn) receive() (*http.Response, error) {
	for range maxInterim + 1 {
		c.budget = headLimit
		resp, err := http.ReadResponse(c.reader, nil)
		c.budget = -1
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, errTooManyInterim
}

// drain reads the answer's body to its end, or to the limit. It reports whether the
// connection may carry another request. The error says that the body broke off before
// either.
func (c *conn) drain(resp *http.Response) (reusable bool, err error) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return false, nil // what follows is not HTTP
	}
	if resp.ContentLength == 0 {
		return !resp.Close && c.reader.Buffered() == 0, nil
	}
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return false, err
	}
	whole := n < answerLimit || n == resp.ContentLength
	return whole && !resp.Close && c.reader.Buffered() == 0, nil
}

// cutBy makes reads and writes under way, and all later ones, return when ctx ends, until
// it is called with another one. All messages have one context, as a rule: so it is
// asked to tell once for each connection. A deadline that was set is to be set before.
func (c *conn) cutBy(ctx context.Context) {
	if ctx.Done() != c.ends {
		c.uncut()
		c.ends, c.spare = ctx.Done(), context.AfterFunc(ctx, c.cut)
	}
	if ctx.Err() != nil {
		c.cut() // and once more, if a deadline came after the first time
	}
}

func (c *conn) uncut() {
	if c.spare != nil {
		c.spare()
	}
}

// Close closes the connection.
func (c *conn) Close() error {
	c.uncut()
	return c.Conn.Close()
}

func (c *conn) cut() { _ = c.SetDeadline(time.Now().Add(longPast)) }

// extend gives the answer's body so long, unless ctx has ended meanwhile. A body that
// is empty, or has come with the head, needs no time.
func (c *conn) extend(ctx context.Context, resp *http.Response, timeout time.Duration) {
	if resp.ContentLength >= 0 && resp.ContentLength <= int64(c.reader.Buffered()) {
		return
	}
	_ = c.SetDeadline(time.Now().Add(timeout))
	if ctx.Err() != nil {
		c.cut()
	}
}
