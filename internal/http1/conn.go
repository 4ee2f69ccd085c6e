package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// readBuffer is how much of an answer is read at once: nearly always its head, after which a body
	// is read past the buffer. Each connection keeps one, also while a long poll waits on it.
	readBuffer = 1 << 10
	// interimLimit is the most bytes that all interim answers (1xx) to one request may hold.
	interimLimit = 1 << 20
	noLimit      = -1
)

var (
	errHeadTooLong    = errors.New("the answer's head is too long")
	errInterimTooLong = errors.New("the interim answers are too long")
	errInterimBody    = errors.New("an interim answer has a body")
)

// A conn is one connection to the server. One goroutine uses it at a time.
type conn struct {
	net.Conn           // the socket, or TLS above it
	socket   *socket   // what is beneath
	secured  *tls.Conn // nil without TLS
	reader   *bufio.Reader
	out      []byte // a request's head with a short body behind it
	budget   int    // bytes of an answer's head that may still be read; noLimit in its body
	consumed int64  // bytes read from Conn
	born     time.Time
	idle     time.Time // since when it is
	used     bool      // an answer was read from it
	leftover bool      // something was read behind the last answer

	ends <-chan struct{} // the end of the context that it is tied to
	stop func() bool     // unties it; nil where it is not tied
}

// newConn returns a conn on s, above which secured is, unless that is nil.
func newConn(s *socket, secured *tls.Conn) *conn {
	k := &conn{Conn: s.Conn, socket: s, budget: noLimit, born: time.Now()}
	if secured != nil {
		k.Conn, k.secured = secured, secured
	}
	k.reader = bufio.NewReaderSize(k, readBuffer)
	return k
}

// Read reads no more than the budget allows.
func (k *conn) Read(p []byte) (int, error) {
	switch {
	case k.budget == 0:
		return 0, errHeadTooLong
	case k.budget > 0:
		p = p[:min(len(p), k.budget)]
	}
	n, err := k.Conn.Read(p)
	k.consumed += int64(n)
	if k.budget > 0 {
		k.budget -= n
	}
	return n, err
}

// parsed is how many bytes were taken out of the reader so far.
func (k *conn) parsed() int64 { return k.consumed - int64(k.reader.Buffered()) }

// plain reads an answer that is complete with the first read and says no more than its status.
// Nothing is read of any other answer.
func (k *conn) plain(headLimit int, wanted []string) (status int, ok bool) {
	k.budget = headLimit
	_, err := k.reader.Peek(1)
	k.budget = noLimit
	if err != nil {
		return 0, false
	}
	there, _ := k.reader.Peek(k.reader.Buffered())
	status, length := plainAnswer(there, wanted)
	if length != len(there) || length == 0 {
		return 0, false // not plain, not all of it, or something is behind it
	}
	_, _ = k.reader.Discard(length)
	return status, true
}

// head reads the head of the final answer. Any number of interim ones may come before it;
// one of the status final is it.
func (k *conn) head(limit, final int) (*http.Response, error) {
	defer func() { k.budget = noLimit }()
	for begin := k.parsed(); k.parsed()-begin <= interimLimit; {
		k.budget = max(limit-k.reader.Buffered(), 0)
		resp, err := http.ReadResponse(k.reader, nil)
		switch {
		case err != nil && k.budget == 0:
			return nil, errHeadTooLong
		case err != nil:
			return nil, err
		case resp.StatusCode >= 200, resp.StatusCode == http.StatusSwitchingProtocols, resp.StatusCode == final:
			return resp, nil
		case announcesBody(resp):
			return nil, errInterimBody // what follows would be taken for an answer
		}
	}
	return nil, errInterimTooLong
}

// noAnswer is the error of a request that no answer's head came to.
func (k *conn) noAnswer(sending, reading error) error {
	if !k.used && k.secured != nil && rejectsHandshake(reading) {
		return &UnsentError{&HandshakeError{reading}}
	}
	return errors.Join(sending, reading)
}

// drop reads the body to its end, or up to limit. It reports whether the connection may carry
// another request. The error says that the body broke off before either.
func (k *conn) drop(resp *http.Response, limit int64) (reusable bool, err error) {
	if resp.ContentLength == 0 {
		return k.isDone(resp), nil
	}
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, limit))
	if err != nil {
		return false, err
	}
	whole := n < limit || n == resp.ContentLength
	return whole && k.isDone(resp), nil
}

// use hands the answer to read, and reports whether the connection may carry another request.
func (k *conn) use(resp *http.Response, read func(*http.Response) error) (reusable bool, err error) {
	if err := read(resp); err != nil {
		return false, err
	}
	var more [1]byte
	n, end := resp.Body.Read(more[:]) // waits for nothing where all was read
	return n == 0 && end == io.EOF && k.isDone(resp), nil
}

// isDone reports whether an answer whose body was read to its end leaves the connection to the next.
func (k *conn) isDone(resp *http.Response) bool {
	if resp.StatusCode < 200 { // what follows is not HTTP, or belongs to this answer
		return false
	}
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusNotModified: // net/http reads no body here, whatever was announced
		if announcesBody(resp) {
			return false
		}
	}
	if resp.Close {
		return false
	}
	k.leftover = k.reader.Buffered() > 0
	return !k.leftover
}

// announcesBody reports whether the head of an answer that may have no body speaks of one.
func announcesBody(resp *http.Response) bool {
	length, ok := resp.Header["Content-Length"]
	return len(resp.TransferEncoding) > 0 || ok && length[0] != "0"
}

// extend gives the answer's body so long, unless ctx has ended meanwhile. A body that is empty, or
// has come with the head, needs no time.
func (k *conn) extend(ctx context.Context, resp *http.Response, timeout time.Duration) {
	there := resp.ContentLength >= 0 && resp.ContentLength <= int64(k.reader.Buffered())
	if timeout == 0 || there {
		return
	}
	_ = k.SetDeadline(time.Now().Add(timeout))
	if ctx.Err() != nil {
		k.cut()
	}
}

// closeAtOnce closes the connection without TLS's close_notify, which could wait for a server that
// reads nothing.
func (k *conn) closeAtOnce() {
	k.untie()
	_ = k.socket.Close()
}

// close closes an idle connection, with TLS's close_notify.
func (k *conn) close() {
	k.untie()
	_ = k.Close()
}
