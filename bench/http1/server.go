// Package http1 is an HTTP/1.1 server with nothing that the benchmark does not need:
// it reads a request's length and one header, and its answers are written as they are
// given. It shares two cores with what is measured, so every cycle it saves is one that
// the measured program could have had. It is no server for anything else: no chunked
// bodies, no limits on time. A listener may bring TLS.
package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"carrier/bench/alarm"
)

// A Request is one request. What it points to is overwritten by the next one on the
// same connection.
type Request struct {
	// Target is the header X-Amz-Target.
	Target []byte
	// Length is how many bytes the body has.
	Length int
	// Body is the first Options.Keep bytes of the body.
	Body []byte
}

// A Handler answers one request on c. With false the connection is closed.
type Handler func(c *Conn, r *Request) bool

// Options is what a Server is made of.
type Options struct {
	Handle Handler
	// Keep is how much of a body is kept; the rest is read and dropped.
	Keep int
	// CutOff is told of each request whose body ended too early. It may be nil.
	CutOff func()
}

// A Conn is one connection, used by one goroutine.
type Conn struct {
	net.Conn
	raw    syscall.RawConn
	tls    bool
	reader *bufio.Reader
	body   []byte
	alarm  *alarm.Alarm
	// Out is the handler's own, to build answers in.
	Out []byte
}

const bufferSize = 16 << 10

// ErrRequest means that a request is not one this server can read.
var ErrRequest = errors.New("not a request of the benchmark")

// Serve answers on l until it is closed.
func Serve(l net.Listener, o Options) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = conn.Close() }()
			serve(conn, o)
		}()
	}
}

func serve(conn net.Conn, o Options) {
	c := &Conn{Conn: conn, reader: bufio.NewReaderSize(conn, bufferSize), body: make([]byte, 0, o.Keep)}
	socket := conn
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		socket, c.tls = wrapped.NetConn(), true
	}
	if s, ok := socket.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn()
	}
	defer func() {
		if c.alarm != nil {
			c.alarm.Close()
		}
	}()
	var r Request
	for {
		if err := c.readHead(&r); err != nil {
			return
		}
		if err := c.readBody(&r, o.Keep); err != nil {
			if o.CutOff != nil {
				o.CutOff()
			}
			return
		}
		if !o.Handle(c, &r) {
			return
		}
	}
}

// readHead reads up to the empty line that ends the head.
func (c *Conn) readHead(r *Request) error {
	r.Target, r.Length = r.Target[:0], 0
	if _, err := c.reader.ReadSlice('\n'); err != nil {
		return err
	}
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			return nil
		}
		if err := r.field(line); err != nil {
			return err
		}
	}
}

func (r *Request) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch len(name) {
	case len("x-amz-target"):
		if bytes.EqualFold(name, []byte("x-amz-target")) {
			r.Target = append(r.Target, bytes.TrimSpace(value)...)
		}
	case len("content-length"):
		if bytes.EqualFold(name, []byte("content-length")) {
			n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			r.Length = n
			return err
		}
	case len("transfer-encoding"):
		if bytes.EqualFold(name, []byte("transfer-encoding")) {
			return ErrRequest
		}
	}
	return nil
}

func (c *Conn) readBody(r *Request, keep int) error {
	c.body = c.body[:min(r.Length, keep)]
	r.Body = c.body
	if _, err := io.ReadFull(c.reader, c.body); err != nil {
		return err
	}
	_, err := c.reader.Discard(r.Length - len(c.body))
	return err
}

// Gone reports whether the other end has closed the connection, without waiting. Beneath TLS
// anything that can be read while a request is answered is taken for the alert of the end.
func (c *Conn) Gone() bool {
	if c.raw == nil || c.reader.Buffered() > 0 {
		return false
	}
	gone := false
	var one [1]byte
	err := c.raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = err == nil && (n == 0 || c.tls) || err != nil && !errors.Is(err, syscall.EAGAIN)
		return true
	})
	return gone || err != nil
}

// Sleep waits for d, more exactly than time.Sleep does.
func (c *Conn) Sleep(d time.Duration) {
	if c.alarm == nil {
		c.alarm = alarm.New()
	}
	c.alarm.Sleep(d)
}

// Answer writes a whole answer. The status is as in "200 OK"; extra is more header
// lines, each with its end. It reports whether that went well.
func (c *Conn) Answer(status, extra string, body []byte) bool {
	out := c.Out[:0]
	out = append(out, "HTTP/1.1 "...)
	out = append(out, status...)
	out = append(out, "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(body)), 10)
	out = append(out, "\r\n"...)
	out = append(out, extra...)
	out = append(out, "\r\n"...)
	out = append(out, body...)
	c.Out = out
	_, err := c.Write(out)
	return err == nil
}
