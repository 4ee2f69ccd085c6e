package http1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serveFor answers on a port of its own until the test is over.
func serveFor(t *testing.T, o Options) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { _ = Serve(l, o) }()
	return l.Addr().String()
}

func TestRequestsOfARealClientAreAnswered(t *testing.T) {
	var bodies, targets []string
	address := serveFor(t, Options{Keep: 8, Handle: func(c *Conn, r *Request) bool {
		bodies, targets = append(bodies, string(r.Body)), append(targets, string(r.Target))
		return c.Answer("429 Too Many Requests", "Retry-After: 1\r\n", []byte("body"))
	}})
	for _, body := range []string{"", "short", strings.Repeat("long", 20_000)} {
		req, err := http.NewRequest(http.MethodPost, "http://"+address+"/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(got) != "body" || err != nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("answered %v %q, %v", resp.Status, got, err)
		}
	}
	if want := "|short|longlong"; strings.Join(bodies, "|") != want {
		t.Errorf("bodies %q, want %q", bodies, want)
	}
	if targets[2] != "AmazonSQS.ReceiveMessage" {
		t.Errorf("targets %q", targets)
	}
}

func TestBodyThatEndsTooEarlyIsCutOff(t *testing.T) {
	cut := make(chan bool, 1)
	address := serveFor(t, Options{
		Keep:   4,
		Handle: func(*Conn, *Request) bool { t.Error("half a request was handled"); return false },
		CutOff: func() { cut <- true },
	})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nonly this")
	_ = conn.Close()
	select {
	case <-cut:
	case <-time.After(10 * time.Second):
		t.Error("nobody was told")
	}
}

func TestCallerThatHangsUpIsGone(t *testing.T) {
	entered, gone := make(chan bool), make(chan bool)
	var waits atomic.Bool
	address := serveFor(t, Options{Keep: 4, Handle: func(c *Conn, _ *Request) bool {
		if waits.Load() {
			entered <- c.Gone()
			<-entered
			end := time.Now().Add(10 * time.Second)
			for !c.Gone() && time.Now().Before(end) {
				time.Sleep(time.Millisecond)
			}
			gone <- c.Gone()
			return false
		}
		return c.Answer("200 OK", "", nil)
	}})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	waits.Store(true)
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
	if <-entered {
		t.Error("a caller that waits is taken for gone")
	}
	_ = conn.Close()
	entered <- true
	if !<-gone {
		t.Error("a caller that hung up is not gone")
	}
}

// A sleep that ends too soon would flatter what is measured.
func TestSleepIsNotTooShort(t *testing.T) {
	c := &Conn{}
	for _, d := range []time.Duration{0, 100 * time.Microsecond, 3 * time.Millisecond, 500 * time.Microsecond} {
		start := time.Now()
		c.Sleep(d)
		if took := time.Since(start); took < d {
			t.Errorf("%v took %v", d, took)
		}
	}
	c.alarm.Close()
}

func TestConnectionIsClosedOnOrder(t *testing.T) {
	address := serveFor(t, Options{Handle: func(*Conn, *Request) bool { return false }})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
	if _, err := bufio.NewReader(conn).ReadByte(); err == nil {
		t.Error("there was an answer")
	}
}
