package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"carrier/receiver/ingest/bodies"
	"carrier/receiver/ingest/request"
)

func TestWhatIsNoRequestIsRefusedAndItsConnectionClosed(t *testing.T) {
	const body = "Content-Length: 1\r\n\r\na"
	r := start(t, Options{})
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"no HTTP":                {"hello\r\n\r\n", 400},
		"no Host":                {"POST / HTTP/1.1\r\n" + body, 400},
		"two Hosts":              {"POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\n" + body, 400},
		"a malformed Host":       {"POST / HTTP/1.1\r\nHost: x y\r\n" + body, 400},
		"a name with a space":    {"POST / HTTP/1.1\r\nHost: x\r\nX-A : b\r\n" + body, 400},
		"a name with a bracket":  {"POST / HTTP/1.1\r\nHost: x\r\nX(A): b\r\n" + body, 400},
		"a control character":    {"POST / HTTP/1.1\r\nHost: x\r\nX-A: b\x01\r\n" + body, 400},
		"a folded line":          {"POST / HTTP/1.1\r\nHost: x\r\n X-A: b\r\n" + body, 400},
		"two lengths":            {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + body, 400},
		"a negative length":      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na", 400},
		"an unknown coding":      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\na", 501},
		"another expectation":    {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n" + body, 417},
		"two expectations":       {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nExpect: b\r\n" + body, 417},
		"HTTP/2 without upgrade": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, r)
			w.say(t, c.text)
			a := w.hear(t)
			a.problem(t, c.status)
			if !a.Close {
				t.Error("the answer does not say that the connection closes")
			}
			_ = w.Conn.(*net.TCPConn).CloseWrite()
			w.closed(t)
		})
	}
	wantStored(t, r, 0)
}

// A body that has both framings is read by the coding, and the connection ends with it, so
// that no proxy that reads the length can smuggle a request in.
func TestBodyWithTwoFramingsIsTheLastOfItsConnection(t *testing.T) {
	r := start(t, Options{})
	w := dial(t, r)
	w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"+
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb")
	a := w.hear(t)
	a.id(t)
	if !a.Close {
		t.Error("the answer does not say that the connection closes")
	}
	wantStored(t, r, 1)
}

func TestRequestsFollowEachOtherOnAConnection(t *testing.T) {
	r := start(t, Options{})
	w := dial(t, r)
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
	// Sent at once, with the empty lines that old clients write after a body, and with
	// refusals and an unasked body in between.
	w.say(t, request+"a\r\n"+request+"b"+"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"+
		"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"+request+"c")
	w.hear(t).id(t)
	w.hear(t).id(t)
	w.hear(t).problem(t, 405)
	head, err := http.ReadResponse(w.Reader, &http.Request{Method: http.MethodHead})
	if err != nil || head.StatusCode != http.StatusMethodNotAllowed || head.ContentLength <= 0 {
		t.Fatalf("HEAD: %+v, %v; want 405 and the length of what GET would give", head, err)
	}
	_ = head.Body.Close()
	a := w.hear(t)
	a.id(t)
	if _, err := http.ParseTime(a.Header.Get("Date")); err != nil || a.Close {
		t.Errorf("header = %v, want a date, and no close", a.Header)
	}
	wantStored(t, r, 3)
	for _, want := range []string{"a", "b", "c"} {
		if m := receive(t, r); string(m.Body) != want {
			t.Errorf("received %s, want %s", m.Body, want)
		}
	}
}

func TestBodiesOfAllSizesAreStoredAsTheyWere(t *testing.T) {
	r := start(t, Options{})
	w := dial(t, r)
	sizes := []int{0, 1, bodies.Free, 2, bodies.Free + 1, request.MaxHeadBytes + 4<<10, 64<<10 + 1, 1 << 20, 3}
	body := func(i int) string { return strings.Repeat(string(rune('a'+i)), sizes[i]) }
	for i, size := range sizes {
		w.say(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, body(i)))
		w.hear(t).id(t)
	}
	for i, size := range sizes {
		if m := receive(t, r); string(m.Body) != body(i) {
			t.Errorf("body %d of %d bytes came as %d other ones", i, size, len(m.Body))
		}
	}
}

func TestConnectionOfHTTP10ClosesAfterEachRequest(t *testing.T) {
	r := start(t, Options{})
	for name, line := range map[string]string{"as is": "", "asked to stay": "Connection: keep-alive\r\n"} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, r)
			w.say(t, "POST / HTTP/1.0\r\n"+line+"Content-Length: 1\r\n\r\na")
			if a := w.hear(t); a.id(t) == "" || !a.Close {
				t.Errorf("header = %v, want close", a.Header)
			}
			w.closed(t)
		})
	}
	wantStored(t, r, 2)
}

func TestCloseEndsIdleConnectionsAndAnswersTheOthers(t *testing.T) {
	r := start(t, Options{})
	quiet, asked, sending := dial(t, r), dial(t, r), dial(t, r)
	asked.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
	asked.hear(t).id(t)
	sending.say(t, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
	if line, err := sending.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("heard %q, %v; want an invitation", line, err)
	}
	_, _ = sending.ReadString('\n')
	closed := make(chan error)
	go func() { closed <- r.Close() }()
	quiet.closed(t)
	asked.closed(t)
	sending.say(t, "b")
	a := sending.hear(t)
	a.id(t) // the queue is closed after the server
	if !a.Close {
		t.Error("the answer does not say that the connection closes")
	}
	sending.closed(t)
	if err := <-closed; err != nil {
		t.Errorf("Close = %v", err)
	}
}

// A producer that connects while the pod is told to stop has often sent its first request already when
// the server is closed.
func TestFirstRequestThatIsOnItsWayAtTheCloseIsAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		grace time.Duration
		says  string
	}{
		"a request comes":  {time.Hour, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"},
		"no request comes": {time.Millisecond, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Options{})
			r.server.Load().listener.grace = c.grace
			w := dial(t, r)
			for r.Connections() < 1 {
				runtime.Gosched()
			}
			r.StopAccepting()
			r.server.Load().listener.stop()
			if c.says != "" {
				w.say(t, c.says)
				a := w.hear(t)
				if a.problem(t, 503); !a.Close {
					t.Error("the answer does not say that the connection closes")
				}
			}
			w.closed(t)
		})
	}
}

func TestPanicIsAnsweredAndReported(t *testing.T) {
	var reported atomic.Value
	r := start(t, Options{Report: func(event string, _ error) { reported.Store(event) }})
	q := r.queue.Swap(nil)
	a := send(t, r, "POST", "/", "a")
	r.queue.Store(q)
	a.problem(t, 503)
	if reported.Load() != "handler_panic" {
		t.Errorf("reported %v, want handler_panic", reported.Load())
	}
	send(t, r, "POST", "/", "a").id(t)
}

func TestPanicAfterTheAnswerIsContained(t *testing.T) {
	var calls atomic.Int32
	r := start(t, Options{OnAnswer: func(int) {
		if calls.Add(1) == 1 {
			panic("counted wrongly")
		}
	}})
	w := dial(t, r)
	for range 2 {
		w.say(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
		w.hear(t).id(t)
	}
	wantStored(t, r, 2)
}

// Pipes are a listener whose connections are in memory, so that time can pass in a bubble.
type pipes struct {
	conns chan net.Conn
	fail  error // instead of the first connection
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	if err := p.fail; err != nil {
		p.fail = nil
		return nil, err
	}
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.conns) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// bubble runs test in a bubble, with a receiver whose listener is in memory.
func bubble(t *testing.T, o Options, p *pipes, test func(t *testing.T, r single)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p.conns = make(chan net.Conn)
		o.DataDir = t.TempDir()
		r := newSingle(o)
		if err := errors.Join(r.openQueue(), r.serve(t.Context(), p)); err != nil {
			t.Fatal(err)
		}
		test(t, r)
		if err := r.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
}

func TestStopEndsAReceiveThatWaits(t *testing.T) {
	var p pipes
	bubble(t, Options{}, &p, func(t *testing.T, r single) {
		received := make(chan error)
		go func() {
			batch, err := r.Receive(t.Context(), 1)
			if len(batch) > 0 {
				err = errors.New("a message came out of nowhere")
			}
			received <- err
		}()
		synctest.Wait()
		r.StopAccepting()
		if err := <-received; err != nil {
			t.Errorf("Receive = %v, want none and no error", err)
		}
	})
}

func TestStoredMessagesAreReceivedAfterTheStop(t *testing.T) {
	r := start(t, Options{})
	send(t, r, "POST", "/", "a").id(t)
	r.StopAccepting()
	if m := receive(t, r); string(m.Body) != "a" {
		t.Errorf("received %q, want a", m.Body)
	}
	if batch, err := r.Receive(t.Context(), 1); len(batch) > 0 || err != nil {
		t.Errorf("Receive = %v, %v; want none and no error", batch, err)
	}
}

func TestSilentProducersAreLeft(t *testing.T) {
	for name, c := range map[string]struct{ says, hears string }{
		"nothing said":       {"", ""},
		"half of a head":     {"POST / HTTP/1.1\r\nHo", "HTTP/1.1 408 "},
		"nothing but a byte": {"P", "HTTP/1.1 408 "},
	} {
		t.Run(name, func(t *testing.T) {
			var p pipes
			bubble(t, Options{}, &p, func(t *testing.T, _ single) {
				w := p.dial()
				_, _ = io.WriteString(w, c.says)
				begun := time.Now()
				heard, err := io.ReadAll(w)
				if stayed := time.Since(begun); err != nil || stayed < request.HeadTimeout-time.Second || stayed > request.HeadTimeout+drainTimeout {
					t.Errorf("left after %v with %v, want %v", stayed, err, request.HeadTimeout)
				}
				if !strings.HasPrefix(string(heard), c.hears) || c.hears == "" && len(heard) > 0 {
					t.Errorf("heard %q, want %q", heard, c.hears)
				}
			})
		})
	}
}

func TestIdleProducersAreLeft(t *testing.T) {
	var p pipes
	bubble(t, Options{}, &p, func(t *testing.T, _ single) {
		w := p.dial()
		_, _ = io.WriteString(w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
		heard := wire{w, bufio.NewReader(w)}
		heard.hear(t).id(t)
		begun := time.Now()
		heard.closed(t)
		if stayed := time.Since(begun); stayed < idleTimeout-time.Second || stayed > idleTimeout {
			t.Errorf("left after %v, want %v", stayed, idleTimeout)
		}
	})
}

func TestConnectionInUseStays(t *testing.T) {
	var p pipes
	bubble(t, Options{}, &p, func(t *testing.T, r single) {
		w := p.dial()
		heard := wire{w, bufio.NewReader(w)}
		for _, wait := range []time.Duration{0, time.Millisecond, time.Second, idleTimeout - 2*time.Second, 0, idleTimeout - 2*time.Second} {
			time.Sleep(wait)
			if _, err := io.WriteString(w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"); err != nil {
				t.Fatalf("after %v: %v", wait, err)
			}
			heard.hear(t).id(t)
		}
		wantStored(t, r, 6)
		_ = w.Close()
	})
}

func TestProducerThatDoesNotReadIsLeft(t *testing.T) {
	var p pipes
	bubble(t, Options{}, &p, func(t *testing.T, r single) {
		w := p.dial()
		begun := time.Now()
		_, _ = io.WriteString(w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
		for open := true; open; time.Sleep(time.Second) {
			open = r.Connections() > 0
			if time.Since(begun) > 2*writeTimeout {
				t.Fatal("it is waited for still")
			}
		}
	})
}
