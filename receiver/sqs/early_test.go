package sqs

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"carrier/message"
)

// eager answers as soon as it has read the head of a request, before its body. It
// returns how many connections it has accepted.
func eager(t *testing.T, answer func(op string) string) (endpoint string, accepted func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var connections atomic.Int32
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			serving.Go(func() { answerEagerly(conn, answer) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return "http://" + l.Addr().String(), func() int { return int(connections.Load()) }
}

func answerEagerly(conn net.Conn, answer func(op string) string) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		body := answer(op)
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		_ = req.Body.Close() // reads the rest
	}
}

// A server may answer before it has read the request's body.
func TestAnswerThatComesAtOnceKeepsItsConnection(t *testing.T) {
	const entries = `{"Id":"0"},{"Id":"1"},{"Id":"2"},{"Id":"3"},{"Id":"4"},{"Id":"5"},{"Id":"6"},{"Id":"7"},{"Id":"8"},{"Id":"9"}`
	endpoint, accepted := eager(t, func(op string) string {
		if op == "GetQueueAttributes" {
			return `{"Attributes":{"VisibilityTimeout":"30"}}`
		}
		return `{"Successful":[` + entries + `]}`
	})
	r := New(Options{QueueURL: endpoint + "/1/q"})
	must(t, r.Open(t.Context()))
	handle := strings.Repeat("h", 30_000) // more than leaves with the head
	for i := range 100 {
		m := &message.Message{ID: fmt.Sprint(i), Receipt: &receipt{handle: handle}}
		if err := r.Settle(t.Context(), m, delivered()); err != nil {
			t.Fatalf("settlement %d: %v", i, err)
		}
	}
	must(t, r.Close())
	if n := accepted(); n > 1 {
		t.Errorf("%d connections for 100 calls, one after another; want one", n)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	r := New(Options{Endpoint: s.URL, QueueName: "q"})
	if err := r.Open(t.Context()); err == nil || followed.Load() != 0 {
		t.Errorf("Open = %v, followed %d times", err, followed.Load())
	}
	must(t, r.Close())
}
