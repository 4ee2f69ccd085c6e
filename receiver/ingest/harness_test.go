package ingest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carrier/message"
	"carrier/receiver/ingest/request"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A single is a server with its one receiver.
type single struct {
	*Server
	*Receiver
}

func newSingle(o Options) single {
	s := New(o)
	return single{s, s.Receiver(0)}
}

func (s single) QueueMessages() int {
	messages, _ := s.Usage()
	return messages
}

// start opens a receiver on a free port of this machine; the test's end closes it.
func start(t *testing.T, o Options) single {
	t.Helper()
	o.Address = "127.0.0.1:0"
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	r := newSingle(o)
	if err := r.Open(t.Context()); err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return r
}

// An answer is a response, read to its end.
type answer struct {
	*http.Response
	body string
}

// send makes one request on a connection of its own. The header lines are given as
// "Name: value".
func send(t *testing.T, r single, method, target, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.Addr().String()+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return readAnswer(t, resp)
}

func readAnswer(t *testing.T, resp *http.Response) answer {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// id is the id of a 200.
func (a answer) id(t *testing.T) string {
	t.Helper()
	var ok accepted
	if err := json.Unmarshal([]byte(a.body), &ok); err != nil || a.StatusCode != http.StatusOK ||
		ok.Status != "OK" || ok.ID == "" || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("answer = %d %s, want 200 and an id", a.StatusCode, a.body)
	}
	return ok.ID
}

// problem checks that a is a problem of that status, and returns its detail.
func (a answer) problem(t *testing.T, status int) string {
	t.Helper()
	var p request.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.StatusCode != status || p.Status != status ||
		p.Title == "" || p.Type != "about:blank" || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("answer = %d %s %s, want a problem of status %d", a.StatusCode, a.Header.Get("Content-Type"), a.body, status)
	}
	return p.Detail
}

// receive takes the one message that is there.
func receive(t *testing.T, r single) *message.Message {
	t.Helper()
	batch, err := r.Receive(t.Context(), 1)
	if err != nil || len(batch) != 1 {
		t.Fatalf("Receive = %v, %v", batch, err)
	}
	return batch[0]
}

func wantStored(t *testing.T, r single, n int) {
	t.Helper()
	if got := r.QueueMessages(); got != n {
		t.Errorf("%d messages are stored, want %d", got, n)
	}
}

// A wire is a connection on which a test writes what it likes.
type wire struct {
	net.Conn
	*bufio.Reader
}

func dial(t *testing.T, r single) wire {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return newWire(conn)
}

func newWire(nc net.Conn) wire { return wire{nc, bufio.NewReader(nc)} }

// Read is the buffered one.
func (w wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

func (w wire) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(w.Conn, text); err != nil {
		t.Fatal(err)
	}
}

func (w wire) hear(t *testing.T) answer {
	t.Helper()
	resp, err := http.ReadResponse(w.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return readAnswer(t, resp)
}

// closed fails unless the other end closes the connection next.
func (w wire) closed(t *testing.T) {
	t.Helper()
	if rest, err := io.ReadAll(w.Reader); err != nil && !isReset(err) || len(rest) > 0 {
		t.Errorf("the connection gave %q, %v; want it closed", rest, err)
	}
}

func isReset(err error) bool { return strings.Contains(err.Error(), "reset") }

func bytesOf(s single) int64 {
	_, bytes := s.Usage()
	return bytes
}
