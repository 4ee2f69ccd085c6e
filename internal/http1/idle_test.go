package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever comes on an idle connection must never be taken for the answer to the next request.
func TestAnswerTooManyIsNeverTheNextOnes(t *testing.T) {
	for name, c := range map[string]struct {
		secured     bool
		late        bool                                      // not in one segment with the first answer
		connections int64                                     // that three requests take
		write       func(out *held, answered <-chan struct{}) // writes the first answer and something else
	}{
		"at once":           {false, false, 3, together(ok, ok)},
		"soon after":        {false, true, 3, apart(ok, ok)},
		"half of it":        {false, true, 3, apart(ok, ok[:7])},
		"a 408":             {false, true, 2, apart(ok, "HTTP/1.1 408 Request Timeout\r\n\r\n")},
		"one byte":          {false, true, 3, apart(ok, "x")},
		"TLS, in a record":  {true, false, 3, together(ok + ok)},
		"TLS, in two":       {true, false, 3, together(ok, ok)},
		"TLS, soon after":   {true, true, 3, apart(ok, ok)},
		"TLS, one byte":     {true, false, 3, together(ok, "x")},
		"TLS, half of it":   {true, false, 3, halfARecord},
		"TLS, long first":   {true, false, 3, together("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"+string(make([]byte, 10000)), ok)},
		"TLS, cut in three": {true, false, 3, together(ok[:20], ok[20:], ok)},
	} {
		for way, ask := range ways() {
			t.Run(name+", "+way, func(t *testing.T) {
				written, answered := make(chan struct{}), make(chan struct{})
				var first sync.Once
				s, opts := serveHeld(t, c.secured, func(s *server, c2 net.Conn, out *held) {
					in := bufio.NewReader(c2)
					for s.read(in) {
						later := true
						first.Do(func() { later = false; c.write(out, answered); close(written) })
						if later {
							_, _ = io.WriteString(c2, next)
							out.flush()
						}
					}
				})
				var told atomic.Int64
				opts.Unasked = func() { told.Add(1) }
				client := s.client(t, opts)
				if status, err := ask(t.Context(), client); status != 200 || err != nil {
					t.Fatalf("status %d, %v", status, err)
				}
				close(answered)
				<-written
				if c.late {
					awaitNoise(t, client)
				}
				if status, err := ask(t.Context(), client); status != 299 || err != nil {
					t.Errorf("the next request was answered %d, %v", status, err)
				}
				if status, err := ask(t.Context(), client); status != 299 || err != nil {
					t.Errorf("the one after it was answered %d, %v", status, err)
				}
				if n := s.connections.Load(); n != c.connections || told.Load() != n-2 {
					t.Errorf("%d connections for three requests, told %d times", n, told.Load())
				}
			})
		}
	}
}

// together writes each piece for itself, and sends all in one segment.
func together(pieces ...string) func(*held, <-chan struct{}) {
	return func(out *held, _ <-chan struct{}) {
		for _, p := range pieces {
			_, _ = io.WriteString(out.top, p)
		}
		out.flush()
	}
}

// apart sends the second when the first has been read.
func apart(first, second string) func(*held, <-chan struct{}) {
	return func(out *held, answered <-chan struct{}) {
		_, _ = io.WriteString(out.top, first)
		out.flush()
		<-answered
		_, _ = io.WriteString(out.top, second)
		out.flush()
	}
}

// halfARecord sends an answer and half of the record of another one.
func halfARecord(out *held, _ <-chan struct{}) {
	_, _ = io.WriteString(out.top, ok)
	first := len(out.bytes)
	_, _ = io.WriteString(out.top, ok)
	out.bytes = out.bytes[:first+(len(out.bytes)-first)/2]
	out.flush()
}

// A held is the writing side of a server, which sends only when it is told to.
type held struct {
	net.Conn
	top     io.Writer // the connection, or TLS above it
	holding bool
	bytes   []byte
}

func (h *held) Write(p []byte) (int, error) {
	if !h.holding {
		return h.Conn.Write(p)
	}
	h.bytes = append(h.bytes, p...)
	return len(p), nil
}

func (h *held) flush() {
	_, _ = h.Conn.Write(h.bytes)
	h.bytes = h.bytes[:0]
}

// serveHeld is serve for a server that decides what goes in one segment.
func serveHeld(t *testing.T, secured bool, handle func(*server, net.Conn, *held)) (*server, Options) {
	t.Helper()
	certs := newCertificates(t)
	s := serve(t, func(s *server, c net.Conn) {
		out := &held{Conn: c}
		out.top = out
		var conn net.Conn = out
		if secured {
			over := tls.Server(out, certs.server)
			if over.Handshake() != nil {
				return
			}
			out.top, conn = over, over
		}
		out.holding = true
		handle(s, conn, out)
	})
	if !secured {
		return s, Options{}
	}
	return s, Options{TLS: func() *tls.Config { return certs.client }}
}

// What a server that answers too much says next could come between our look and our request.
func TestServerThatAnsweredTooMuchIsNotTrustedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		s, client := piped(t, Options{IdleTimeout: time.Hour, Unasked: func() { told++ }}, answering(ok+ok))
		begin := time.Now()
		for range 3 {
			_, err := drop(t.Context(), client)
			must(t, err)
			time.Sleep(time.Second)
		}
		if s.connections.Load() != 3 || told != 1 {
			t.Errorf("%d connections, told %d times", s.connections.Load(), told)
		}
		time.Sleep(time.Until(begin.Add(distrustTime)))
		for range 3 {
			_, err := drop(t.Context(), client)
			must(t, err)
		}
		if n := s.connections.Load(); n != 4 {
			t.Errorf("%d connections: it is still not trusted", n)
		}
	})
}

func TestConnectionThatTheServerClosedIsNotUsed(t *testing.T) {
	for way, ask := range ways() {
		for security, secured := range map[string]bool{"": false, ", behind TLS": true} {
			t.Run(way+security, func(t *testing.T) {
				s, opts := serveAs(t, secured, answeringOnce(next))
				opts.Unasked = func() { t.Error("it counts as something said") }
				client := s.client(t, opts)
				for range 5 {
					if status, err := ask(t.Context(), client); status != 299 || err != nil {
						t.Errorf("status %d, %v", status, err)
					}
					awaitNoise(t, client)
				}
				if n := s.requests.Load(); n != 5 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}

// The server has read the request: nobody knows what it has made of it.
func TestRequestThatWasWrittenIsNotSentAgain(t *testing.T) {
	for way, ask := range ways() {
		s := serve(t, func(s *server, c net.Conn) {
			in := bufio.NewReader(c)
			s.read(in)
			_, _ = io.WriteString(c, ok)
			s.read(in)
		})
		client := s.client(t, Options{})
		if status, err := ask(t.Context(), client); status != 200 || err != nil {
			t.Fatalf("%s: %d, %v", way, status, err)
		}
		status, err := ask(t.Context(), client)
		var unsent *UnsentError
		if status != 0 || err == nil || errors.As(err, &unsent) {
			t.Errorf("%s: %d, %v", way, status, err)
		}
		if n := s.requests.Load(); n != 2 {
			t.Errorf("%s: %d requests", way, n)
		}
	}
}

// A failing connection takes nothing of what is written to it.
type failing struct {
	net.Conn
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Conn.Write(p)
}

func TestRequestOfWhichNothingWasWrittenIsSentOnAnotherConnection(t *testing.T) {
	for name, c := range map[string]struct {
		first bool // the connection had no request before
		sent  bool
	}{"on one that was idle": {false, true}, "on a new one": {true, false}} {
		s := serve(t, answering(next))
		var last *failing
		broken := c.first
		client := New(Options{IdleTimeout: time.Hour, Dial: func(ctx context.Context) (net.Conn, error) {
			conn, err := s.dial(ctx)
			last = &failing{Conn: conn}
			if broken {
				last.err = io.ErrClosedPipe
			}
			return last, err
		}})
		if !c.first {
			_, err := drop(t.Context(), client)
			must(t, err)
			last.err = io.ErrClosedPipe
		}
		status, err := drop(t.Context(), client)
		var unsent *UnsentError
		if c.sent != (status == 299) || errors.As(err, &unsent) == c.sent {
			t.Errorf("%s: %d, %v", name, status, err)
		}
		client.Close()
	}
}

func TestSilenceIsSeenWhereASocketCanBeLookedAt(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _ = near.Close() }()
	must(t, far.Close())
	if !newSocket(near).isSilent() {
		t.Error("a pipe counts as closed")
	}
}
