package ingest

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// A conn is one producer's connection.
type conn struct {
	wire  stream
	in    *bufio.Reader // of wire
	state atomic.Int32
	// waited says that the producer waits to be asked for its body.
	waited bool
	// out and body are kept for the next request: the answer, and what was sent where
	// that was small.
	out, body []byte
}

// The states of a conn. One that is idle may be closed by others than its goroutine.
const (
	idle int32 = iota
	busy
	over
)

const bufferSize = 4 << 10

func newConn(nc net.Conn) *conn {
	c := &conn{wire: stream{Conn: nc}}
	c.in = bufio.NewReaderSize(&c.wire, bufferSize)
	return c
}

// begins waits for the first byte of a request.
func (c *conn) begins() bool {
	c.wire.until(time.Now().Add(idleTimeout))
	c.wire.left = maxHeaderBytes
	for {
		first, err := c.in.Peek(1)
		if err != nil {
			return false
		}
		if first[0] != '\r' && first[0] != '\n' {
			return c.state.CompareAndSwap(idle, busy)
		}
		_, _ = c.in.Discard(1) // RFC 9112 section 2.2 asks for patience with empty lines
	}
}

// request reads the head of a request. Without one and without a problem the producer has
// gone, or is too slow to be answered.
func (c *conn) request() (*http.Request, *problem) {
	c.wire.until(time.Now().Add(readHeaderTimeout))
	req, err := http.ReadRequest(c.in)
	switch {
	case errors.Is(c.wire.err, errLongHead):
		return nil, longHead()
	case err != nil && c.wire.err != nil:
		return nil, nil
	case err != nil:
		return nil, malformed(err)
	}
	c.wire.left = math.MaxInt64
	expected := req.Header["Expect"]
	c.waited = len(expected) == 1 && strings.EqualFold(expected[0], "100-continue")
	if len(expected) > 0 && !c.waited {
		return req, expectationFailed()
	}
	c.waited = c.waited && req.ContentLength != 0 && req.ProtoAtLeast(1, 1)
	return req, checkHead(req)
}

// checkHead refuses what net/http's parser lets pass and its server does not.
func checkHead(req *http.Request) *problem {
	switch {
	case req.ProtoMajor != 1:
		return versionNotSupported()
	case req.Host == "" && req.ProtoAtLeast(1, 1), !httpguts.ValidHostHeader(req.Host):
		return badHeader("Host", "one name is needed")
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return badHeader("a name", "letters, digits and !#$%&'*+-.^_`|~ are allowed")
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return badHeader(name, "control characters are not allowed")
			}
		}
	}
	return nil
}

// sendContinue asks for the body, if the producer waits for that.
func (c *conn) sendContinue() {
	if c.waited {
		c.waited = false
		_ = c.wire.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")) // an error shows when the body is read
	}
}

// What a producer that is refused in mid-sentence may still say.
const (
	drainTimeout = time.Second
	drainBytes   = 16 << 20
)

// closeGracefully ends a connection on which nobody knows where the next request begins.
func (c *conn) closeGracefully() {
	if half, ok := c.wire.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	c.drainRefused(c.in)
}

// drainRefused reads on for a while after a refusal, to the end of rest. A producer that is
// writing its body when the connection is closed gets a reset, and the answer is lost with
// it. It reports whether the end was reached.
func (c *conn) drainRefused(rest io.Reader) bool {
	c.wire.until(time.Now().Add(drainTimeout))
	c.wire.left = drainBytes
	_, err := io.Copy(io.Discard, rest)
	return err == nil
}
