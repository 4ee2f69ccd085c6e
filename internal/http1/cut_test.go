package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestEndOfTheContextCutsARequestOff(t *testing.T) {
	for name, sends := range map[string]string{
		"before the head": "",
		"in the head":     "HTTP/1.1 200 OK\r\n",
		"in the body":     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha",
	} {
		for way, ask := range ways() {
			for _, shared := range []bool{false, true} {
				t.Run(name+", "+way, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					s := serve(t, func(s *server, c net.Conn) {
						in := bufio.NewReader(c)
						s.read(in)
						_, _ = io.WriteString(c, sends)
						cancel()
						_, _ = in.ReadByte()
					})
					client := s.client(t, Options{SharedContext: shared})
					if _, err := ask(ctx, client); !errors.Is(err, context.Canceled) || len(client.idle()) != 0 {
						t.Errorf("%v, %d connections are kept", err, len(client.idle()))
					}
				})
			}
		}
	}
}

func TestRequestIsCutOffByItsOwnContextAlone(t *testing.T) {
	for name, c := range map[string]struct{ shared, another bool }{
		"shared contexts":             {true, false},
		"shared contexts, but one":    {true, true},
		"a context for each":          {false, true},
		"a context for each, but two": {false, false},
	} {
		t.Run(name, func(t *testing.T) {
			before, endBefore := context.WithCancel(t.Context())
			defer endBefore()
			ctx, cancel := before, endBefore
			if c.another {
				ctx, cancel = context.WithCancel(t.Context())
				defer cancel()
			}
			s := serve(t, func(s *server, conn net.Conn) {
				in := bufio.NewReader(conn)
				for range 2 {
					s.read(in)
					_, _ = io.WriteString(conn, ok)
				}
				s.read(in)
				if c.another && !c.shared {
					endBefore()
				}
				cancel()
				_, _ = in.ReadByte()
			})
			client := s.client(t, Options{SharedContext: c.shared})
			for range 2 {
				_, err := drop(before, client)
				must(t, err)
			}
			if _, err := drop(ctx, client); !errors.Is(err, context.Canceled) || s.connections.Load() != 1 {
				t.Errorf("%v on %d connections", err, s.connections.Load())
			}
		})
	}
}

// What ends after an answer was read does not cut off the requests of others.
func TestContextThatEndsBetweenTwoRequestsHarmsNeither(t *testing.T) {
	for name, c := range map[string]struct {
		shared      bool
		connections int64
	}{"a context for each": {false, 1}, "shared contexts": {true, 3}} {
		s := serve(t, answering(next))
		client := s.client(t, Options{SharedContext: c.shared})
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			if status, err := drop(ctx, client); status != 299 || err != nil {
				t.Errorf("%s: %d, %v", name, status, err)
			}
			cancel()
		}
		if n := s.connections.Load(); n != c.connections {
			t.Errorf("%s: %d connections", name, n)
		}
	}
}

// piped returns a client whose connections are pipes, each served by handle.
func piped(t *testing.T, opts Options, handle func(s *server, c net.Conn)) (*server, *Client) {
	t.Helper()
	s := &server{}
	opts.Dial = func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		s.connections.Add(1)
		go func() {
			defer func() { _ = far.Close() }()
			handle(s, far)
		}()
		return near, nil
	}
	c := New(opts)
	t.Cleanup(c.Close)
	return s, c
}

func TestDeadlines(t *testing.T) {
	const headTime, bodyTime = 5 * time.Second, 3 * time.Second
	for name, c := range map[string]struct {
		sends string
		body  time.Duration
		after time.Duration
	}{
		"before the head":                       {"", bodyTime, headTime},
		"in the head":                           {"HTTP/1.1 200 OK\r\n", bodyTime, headTime},
		"after an interim answer":               {"HTTP/1.1 102 Processing\r\n\r\n", bodyTime, headTime},
		"in the body":                           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha", bodyTime, bodyTime},
		"in the body, which has no time of its": {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha", 0, headTime},
	} {
		for _, body := range []func(*http.Response) error{nil, func(resp *http.Response) error { _, err := io.ReadAll(resp.Body); return err }} {
			synctest.Test(t, func(t *testing.T) {
				_, client := piped(t, Options{IdleTimeout: time.Hour}, func(s *server, conn net.Conn) {
					in := bufio.NewReader(conn)
					s.read(in)
					_, _ = io.WriteString(conn, c.sends)
					_, _ = in.ReadByte()
				})
				begin := time.Now()
				_, err := client.Do(t.Context(), Request{Head: []byte(request), Deadline: begin.Add(headTime), BodyTimeout: c.body, Read: body})
				if took := time.Since(begin); !errors.Is(err, os.ErrDeadlineExceeded) || took != c.after {
					t.Errorf("%s: %v after %v, want %v", name, err, took, c.after)
				}
			})
		}
	}
}

func TestIdleConnectionIsClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := piped(t, Options{IdleTimeout: time.Minute}, answering(next))
		for range 3 { // each within a minute of the one before
			_, err := drop(t.Context(), client)
			must(t, err)
			time.Sleep(time.Minute - time.Nanosecond)
		}
		if n := s.connections.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
		k := client.idle()[0]
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if _, err := k.Write([]byte("x")); len(client.idle()) != 0 || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%d idle connections; it says %v", len(client.idle()), err)
		}
	})
}

func TestConnectionGrowsNoOlderThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := piped(t, Options{IdleTimeout: time.Minute, MaxAge: 5 * time.Minute}, answering(next))
		for second := range 10 * 60 {
			_, err := drop(t.Context(), client)
			must(t, err)
			if want := int64(second/300 + 1); s.connections.Load() != want {
				t.Fatalf("%d connections after %d seconds", s.connections.Load(), second)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestRequestBeyondTheMostConnectionsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, client := piped(t, Options{IdleTimeout: time.Minute, MaxConns: 2}, func(s *server, c net.Conn) {
			for in := bufio.NewReader(c); s.read(in); {
				<-release
				_, _ = io.WriteString(c, next)
			}
		})
		ended := make(chan error, 3)
		for range 3 {
			go func() { _, err := drop(t.Context(), client); ended <- err }()
		}
		synctest.Wait()
		_, err := client.Do(t.Context(), Request{Head: []byte(request), Deadline: time.Now().Add(time.Second)})
		var unsent *UnsentError
		if !errors.As(err, &unsent) || !errors.Is(err, context.DeadlineExceeded) || s.requests.Load() != 2 {
			t.Errorf("the fourth: %v, with %d requests", err, s.requests.Load())
		}
		close(release)
		for range 3 {
			must(t, <-ended)
		}
		if s.connections.Load() != 2 || s.requests.Load() != 3 {
			t.Errorf("%d connections, %d requests", s.connections.Load(), s.requests.Load())
		}
	})
}

func TestDialIsBoundByTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := New(Options{Dial: func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		begin := time.Now()
		_, err := client.Do(t.Context(), Request{Head: []byte(request), Deadline: begin.Add(time.Second)})
		var unsent *UnsentError
		if !errors.As(err, &unsent) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestNothingIsKeptAfterClose(t *testing.T) {
	s := serve(t, answering(next))
	client := s.client(t, Options{})
	_, err := drop(t.Context(), client)
	must(t, err)
	client.Close()
	_, err = drop(t.Context(), client)
	if must(t, err); len(client.idle()) != 0 || s.connections.Load() != 2 {
		t.Errorf("%d are kept of %d connections", len(client.idle()), s.connections.Load())
	}
}
