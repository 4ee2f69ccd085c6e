package ingest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	// bodyAtOnce is how much of a declared length is believed before it has arrived.
	bodyAtOnce = 64 << 10
	// bodyKept is the largest body whose memory a connection keeps for the next one.
	bodyKept = 8 << 10
)

// readBody reads all of the body. One that is cut off, too slow or too large is a problem,
// and its connection is closed after the answer. The body is overwritten by the next one
// on the same connection.
func (h *handler) readBody(c *conn, req *http.Request) ([]byte, *problem) {
	c.sendContinue()
	c.wire.until(time.Now().Add(h.receiver.options.ReadTimeout))
	body, err := c.readAll(req, h.receiver.options.MaxBody)
	switch {
	case err == nil && int64(len(body)) > h.receiver.options.MaxBody:
		return nil, tooLarge(h.receiver.options.MaxBody)
	case err == nil:
		return body, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, tooSlow()
	default:
		return nil, cutOff()
	}
}

// readAll reads to the body's end, or a byte more than most.
func (c *conn) readAll(req *http.Request, most int64) ([]byte, error) {
	if n := req.ContentLength; n >= 0 && n <= bodyKept {
		if int64(cap(c.body)) < n {
			c.body = make([]byte, n)
		}
		_, err := io.ReadFull(req.Body, c.body[:n])
		return c.body[:n], err
	}
	var body bytes.Buffer
	body.Grow(int(min(max(req.ContentLength, 0), bodyAtOnce)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(req.Body, most+1))
	return body.Bytes(), err
}
