package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// waitTimeout is how long a test waits for what should come at once.
const waitTimeout = 30 * time.Second

const (
	request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
	ok      = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	next    = "HTTP/1.1 299 Next\r\nContent-Length: 0\r\n\r\n"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server serves connections byte by byte, so that it can answer what no HTTP server would.
type server struct {
	address     string
	connections atomic.Int64
	requests    atomic.Int64
}

// serve starts a server that calls handle for each connection, which is closed after handle has
// returned, or with the test.
func serve(t *testing.T, handle func(s *server, c net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: l.Addr().String()}
	ended, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			context.AfterFunc(ended, func() { _ = c.Close() })
			all.Go(func() {
				defer func() { _ = c.Close() }()
				handle(s, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		end()
		all.Wait()
	})
	return s
}

// answering answers the first request of all with first, and the later ones with next.
func answering(first string) func(*server, net.Conn) {
	return func(s *server, c net.Conn) {
		in := bufio.NewReader(c)
		for s.read(in) {
			answer := next
			if s.requests.Load() == 1 {
				answer = first
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// answeringOnce answers as answering does, and closes each connection behind its first answer.
func answeringOnce(first string) func(*server, net.Conn) {
	return func(s *server, c net.Conn) {
		if !s.read(bufio.NewReader(c)) {
			return
		}
		answer := next
		if s.requests.Load() == 1 {
			answer = first
		}
		_, _ = io.WriteString(c, answer)
	}
}

// read reads one whole request, and reports false at the connection's end.
func (s *server) read(in *bufio.Reader) bool {
	req, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return false
	}
	s.requests.Add(1)
	return true
}

func (s *server) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.address)
}

// client returns a Client of s that keeps its connections.
func (s *server) client(t *testing.T, opts Options) *Client {
	t.Helper()
	opts.Dial = s.dial
	if opts.IdleTimeout == 0 {
		opts.IdleTimeout = time.Hour
	}
	c := New(opts)
	t.Cleanup(c.Close)
	return c
}

// ways are the two in which an answer is read.
func ways() map[string]func(context.Context, *Client) (int, error) {
	return map[string]func(context.Context, *Client) (int, error){
		"its body dropped": drop,
		"its body read": func(ctx context.Context, c *Client) (int, error) {
			status, _, err := read(ctx, c)
			return status, err
		},
	}
}

func drop(ctx context.Context, c *Client) (int, error) {
	a, err := c.Do(ctx, Request{Head: []byte(request)})
	return a.Status, err
}

func read(ctx context.Context, c *Client) (status int, body string, err error) {
	a, err := c.Do(ctx, Request{Head: []byte(request), Read: func(resp *http.Response) error {
		b, err := io.ReadAll(resp.Body)
		body = string(b)
		return err
	}})
	return a.Status, body, err
}

// idle returns the connections that are kept.
func (c *Client) idle() []*conn {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	return append([]*conn(nil), c.pool.idle...)
}

// awaitNoise waits until something has arrived on the idle connections.
func awaitNoise(t *testing.T, c *Client) {
	t.Helper()
	for end := time.Now().Add(waitTimeout); ; time.Sleep(time.Millisecond) {
		silent := false
		for _, k := range c.idle() {
			silent = silent || k.socket.isSilent()
		}
		if !silent {
			return
		}
		if time.Now().After(end) {
			t.Fatal("nothing has arrived")
		}
	}
}

func waitFor(t *testing.T, happened <-chan struct{}, otherwise string) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(waitTimeout):
		t.Fatal(otherwise)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
