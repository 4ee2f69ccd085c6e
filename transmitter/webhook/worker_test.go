package webhook_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carrier/message"
	"carrier/transmitter/webhook"
)

// waitTimeout is how long a test waits for what should come at once.
const waitTimeout = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rawWorker serves connections byte by byte, so that it can answer what no HTTP
// server would.
type rawWorker struct {
	listener    net.Listener
	connections atomic.Int64
	requests    atomic.Int64
}

// listen starts a rawWorker on network that calls serve for each connection, which is
// closed after serve has returned, or with the test.
func listen(t *testing.T, l net.Listener, serve func(w *rawWorker, c net.Conn)) *rawWorker {
	t.Helper()
	w := &rawWorker{listener: l}
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		open = make(map[net.Conn]bool)
		done bool
	)
	keep := func(c net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		open[c] = true
		if done {
			_ = c.Close()
		}
	}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.connections.Add(1)
			keep(c)
			all.Go(func() {
				defer func() { _ = c.Close() }()
				serve(w, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		done = true
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return w
}

func listenTCP(t *testing.T, serve func(w *rawWorker, c net.Conn)) (*rawWorker, webhook.Endpoint) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, l, serve), endpoint(t, "http://"+l.Addr().String()+"/hook")
}

// answering serves every request with the same bytes, and keeps the connection.
func answering(answer string) func(w *rawWorker, c net.Conn) {
	return func(w *rawWorker, c net.Conn) {
		r := bufio.NewReader(c)
		for readRequest(w, r) {
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// answeringOnce serves one request with the bytes and closes the connection.
func answeringOnce(answer string) func(w *rawWorker, c net.Conn) {
	return func(w *rawWorker, c net.Conn) {
		if readRequest(w, bufio.NewReader(c)) {
			_, _ = io.WriteString(c, answer)
		}
	}
}

// readRequest reads one whole request, and reports false at the connection's end.
func readRequest(w *rawWorker, r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return false
	}
	w.requests.Add(1)
	return true
}

// capture returns a worker that accepts everything, and the channel of the heads of the
// requests it gets, as they came over the wire.
func capture(t *testing.T) (webhook.Endpoint, <-chan string) {
	t.Helper()
	heads := make(chan string, 16)
	_, e := listenTCP(t, func(_ *rawWorker, c net.Conn) {
		var wire strings.Builder
		r := bufio.NewReader(io.TeeReader(c, &wire))
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		head, _, _ := strings.Cut(wire.String(), "\r\n\r\n")
		heads <- head
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	return e, heads
}

// next returns the next head that the worker got.
func next(t *testing.T, heads <-chan string) string {
	t.Helper()
	select {
	case head := <-heads:
		return head
	case <-time.After(waitTimeout):
		t.Fatal("no request arrived")
		return ""
	}
}

// lines splits a request's head into its first line and its sorted header lines.
func lines(head string) (first string, headers []string) {
	all := strings.Split(head, "\r\n")
	return all[0], all[1:]
}

// valuesOf returns the values of the header called exactly name.
func valuesOf(head, name string) []string {
	var values []string
	_, headers := lines(head)
	for _, h := range headers {
		if n, v, _ := strings.Cut(h, ": "); n == name {
			values = append(values, v)
		}
	}
	return values
}

func endpoint(t *testing.T, s string) webhook.Endpoint {
	t.Helper()
	e, err := webhook.ParseEndpoint(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return e
}

func open(t *testing.T, opts webhook.Options) *webhook.Transmitter {
	t.Helper()
	tr, err := webhook.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func newMessage(id string, body string) *message.Message {
	return &message.Message{
		ID:            id,
		Body:          []byte(body),
		Source:        "orders",
		ReceiveCount:  1,
		FirstReceived: time.Unix(1700000001, 999e6),
		Sent:          time.Unix(1700000000, 1e6),
		Received:      time.Now(),
	}
}
