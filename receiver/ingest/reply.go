package ingest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// exchange reads one request and answers it. It reports whether another one may follow.
func (s *server) exchange(ctx context.Context, c *conn) bool {
	req, p := c.request()
	if p != nil {
		s.refuse(c, req, p.closing())
		c.closeGracefully()
		return false
	}
	if req == nil {
		return false
	}
	id, p := s.store(ctx, c, req)
	if p != nil {
		if c.waited {
			p.closing() // its body may come or not
		}
		again := s.refuse(c, req, p)
		return !c.waited && c.drainRefused(req.Body) && again
	}
	return s.accepted(c, req, id)
}

// store is the handler's, with its panics contained.
func (s *server) store(ctx context.Context, c *conn, req *http.Request) (id string, p *problem) {
	defer s.contain(func() { p = broken() })
	return s.handler.store(ctx, c, req)
}

// An accepted is the body of a 200.
type accepted struct {
	Status string `json:"status"`
	ID     string `json:"id"`
}

func (s *server) accepted(c *conn, req *http.Request, id string) bool {
	var buffer [64]byte
	body := append(append(append(buffer[:0], `{"status":"OK","id":"`...), id...), "\"}\n"...)
	return s.reply(c, req, reply{status: http.StatusOK, contentType: "application/json", body: body})
}

func (s *server) refuse(c *conn, req *http.Request, p *problem) bool {
	b, _ := json.Marshal(p) // a struct of strings and numbers
	return s.reply(c, req, reply{
		status: p.Status, contentType: "application/problem+json", header: p.header, closes: p.closes, body: append(b, '\n'),
	})
}

// A reply is what is written back, besides its length and date.
type reply struct {
	status      int
	contentType string
	header      http.Header
	body        []byte
	closes      bool // the connection, after it
}

// reply writes a, and reports whether the connection stays open. Req is nil where it could
// not be read.
func (s *server) reply(c *conn, req *http.Request, a reply) bool {
	// After a chunked body nobody is sure where the next request begins who has read it
	// differently than we have.
	a.closes = a.closes || req == nil || req.Close || len(req.TransferEncoding) > 0 || s.handler.receiver.stopping.Load()
	c.out = appendHead(c.out[:0], a)
	if !a.closes && !req.ProtoAtLeast(1, 1) {
		c.out = append(c.out, "Connection: keep-alive\r\n"...)
	}
	c.out = append(c.out, "\r\n"...)
	if req == nil || req.Method != http.MethodHead {
		c.out = append(c.out, a.body...)
	}
	err := c.wire.write(c.out) // an error is the producer's having gone
	s.handler.receiver.options.OnAnswer(a.status)
	return err == nil && !a.closes
}

func appendHead(out []byte, a reply) []byte {
	out = strconv.AppendInt(append(out, "HTTP/1.1 "...), int64(a.status), 10)
	out = append(append(out, ' '), http.StatusText(a.status)...)
	out = append(append(out, "\r\nContent-Type: "...), a.contentType...)
	out = strconv.AppendInt(append(out, "\r\nContent-Length: "...), int64(len(a.body)), 10)
	out = time.Now().UTC().AppendFormat(append(out, "\r\nDate: "...), http.TimeFormat)
	out = append(out, "\r\n"...)
	for name, values := range a.header {
		for _, value := range values {
			out = append(append(append(append(out, name...), ": "...), value...), "\r\n"...)
		}
	}
	if a.closes {
		out = append(out, "Connection: close\r\n"...)
	}
	return out
}
