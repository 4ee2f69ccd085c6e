package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter/webhook"
)

// soon is a request timeout that a test waits for; long is one that it never meets.
const (
	soon = 200 * time.Millisecond
	long = time.Minute
)

func TestAnswerOnTheWireBecomesOutcome(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	cases := map[string]struct {
		answer  string
		verdict message.Verdict
		cause   message.Cause
		code    string
		status  int
	}{
		"complete":                              {ok + "Content-Length: 2\r\n\r\nok", message.Delivered, 0, "2xx", 200},
		"complete without a length":             {ok + "\r\nok", message.Delivered, 0, "2xx", 200},
		"complete in chunks":                    {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", message.Delivered, 0, "2xx", 200},
		"after interim answers":                 {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n", message.Delivered, 0, "2xx", 200},
		"HTTP/1.0":                              {"HTTP/1.0 200 OK\r\n\r\nok", message.Delivered, 0, "2xx", 200},
		"200 cut off in its body":               {ok + "Content-Length: 100\r\n\r\nhalf", message.Retry, message.Failed, "error", 0},
		"200 cut off in its chunks":             {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nha", message.Retry, message.Failed, "error", 0},
		"200 cut off before the last chunk":     {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", message.Retry, message.Failed, "error", 0},
		"404 cut off in its body":               {"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nhalf", message.Retry, message.Failed, "error", 0},
		"ack cut off in its body":               {"HTTP/1.1 500 Oops\r\nX-Carrier-Action: ack\r\nContent-Length: 100\r\n\r\nhalf", message.Retry, message.Failed, "error", 0},
		"500 cut off in its body":               {"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf", message.Retry, message.Failed, "5xx", 500},
		"503 with a delay, cut off in its body": {"HTTP/1.1 503 Oops\r\nRetry-After: 5\r\nContent-Length: 100\r\n\r\nhalf", message.Retry, message.Deferred, "5xx", 503},
		"cut off in its head":                   {"HTTP/1.1 200 OK\r\nContent-Len", message.Retry, message.Failed, "error", 0},
		"nothing at all":                        {"", message.Retry, message.Failed, "error", 0},
		"not HTTP":                              {"s3cret\r\n\r\n", message.Retry, message.Failed, "error", 0},
		"a status that is none":                 {"HTTP/1.1 2000 OK\r\n\r\n", message.Retry, message.Failed, "error", 0},
		"two lengths":                           {ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nok", message.Retry, message.Failed, "error", 0},
		"a head without end":                    {ok + strings.Repeat("X-A: s3cret\r\n", 20000), message.Retry, message.Failed, "error", 0},
		"101":                                   {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", message.Rejected, 0, "1xx", 101},
		"101 without a protocol":                {"HTTP/1.1 101 Switching Protocols\r\n\r\n", message.Rejected, 0, "1xx", 101},
		"dead-letter":                           {ok + "x-carrier-action: Dead-Letter\r\nContent-Length: 0\r\n\r\n", message.Rejected, 0, "2xx", 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w, e := listenTCP(t, answeringOnce(c.answer))
			tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: long})
			o := tr.Transmit(t.Context(), newMessage("a", "x"))
			if o.Verdict != c.verdict || o.Cause != c.cause || o.Code != c.code || o.Status != c.status {
				t.Errorf("outcome %+v, want %+v", o, c)
			}
			if strings.Contains(o.Reason, "s3cret") {
				t.Errorf("reason %q holds what the worker sent", o.Reason)
			}
			if n := w.requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, status := range []string{"301 Moved", "302 Found", "303 See Other", "307 Again", "308 Moved"} {
		target, e := listenTCP(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		_, from := listenTCP(t, answeringOnce("HTTP/1.1 "+status+"\r\nLocation: "+e.String()+"\r\nContent-Length: 0\r\n\r\n"))
		tr := open(t, webhook.Options{Endpoint: from})
		if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Verdict != message.Rejected || o.Code != "3xx" {
			t.Errorf("%s: outcome %+v", status, o)
		}
		if n := target.connections.Load(); n != 0 {
			t.Errorf("%s was followed", status)
		}
	}
}

func TestLongAnswerIsReadNoFurther(t *testing.T) {
	closed := make(chan struct{})
	_, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
		defer close(closed)
		readRequest(w, bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		block := make([]byte, 64<<10)
		for {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
	tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: long})
	if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Verdict != message.Delivered {
		t.Errorf("outcome %+v", o)
	}
	waitFor(t, closed, "the connection is still open")
}

func TestSlowWorkerTimesOut(t *testing.T) {
	cases := map[string]struct{ sends, code string }{
		"before the head": {"", "timeout"},
		"in the head":     {"HTTP/1.1 200 OK\r\n", "timeout"},
		"in the body":     {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha", "timeout"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, e := listenTCP(t, func(w *rawWorker, conn net.Conn) {
				r := bufio.NewReader(conn)
				readRequest(w, r)
				_, _ = io.WriteString(conn, c.sends)
				_, _ = r.ReadByte() // until the other side hangs up
			})
			tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: soon})
			o := tr.Transmit(t.Context(), newMessage("a", "x"))
			if o.Verdict != message.Retry || o.Cause != message.Failed || o.Code != c.code {
				t.Errorf("outcome %+v, want code %s", o, c.code)
			}
		})
	}
}

// The head says all there is to say about a failure. How fast it comes is up to the
// machine, so that it is given ever more time.
func TestSlowBodyOfAFailureChangesNothing(t *testing.T) {
	_, e := listenTCP(t, func(w *rawWorker, conn net.Conn) {
		r := bufio.NewReader(conn)
		readRequest(w, r)
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Oops\r\nRetry-After: 5\r\nContent-Length: 5\r\n\r\nha")
		_, _ = r.ReadByte() // until the other side hangs up
	})
	var o message.Outcome
	for timeout := soon; timeout < waitTimeout; timeout *= 5 {
		tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: timeout})
		if o = tr.Transmit(t.Context(), newMessage("a", "x")); o.Code != "timeout" {
			break
		}
	}
	if o.Code != "5xx" || o.Cause != message.Deferred || o.Delay != 5*time.Second {
		t.Errorf("outcome %+v", o)
	}
}

func TestSwitchedProtocolIsNotWaitedFor(t *testing.T) {
	_, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
		r := bufio.NewReader(c)
		readRequest(w, r)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, _ = r.ReadByte() // until the other side hangs up
	})
	tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: long})
	if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Verdict != message.Rejected {
		t.Errorf("outcome %+v", o)
	}
}

func TestNothingIsTriedAfterTheStop(t *testing.T) {
	w, e := listenTCP(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	tr := open(t, webhook.Options{Endpoint: e})
	stopped, stop := context.WithCancel(t.Context())
	stop()
	o := tr.Transmit(stopped, newMessage("a", "x"))
	if o.Verdict != message.Retry || o.Cause != message.Returned || o.Code != "" {
		t.Errorf("outcome %+v, want it returned and no attempt", o)
	}
	if n := w.connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// How fast the head leaves is up to the machine, so that it is given ever more time.
func TestWorkerThatReadsNothingTimesOut(t *testing.T) {
	hungUp := make(chan struct{})
	_, e := listenTCP(t, func(*rawWorker, net.Conn) { <-hungUp })
	defer close(hungUp)
	var o message.Outcome
	for timeout := soon; timeout < waitTimeout; timeout *= 5 {
		tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: timeout})
		if o = tr.Transmit(t.Context(), newMessage("a", strings.Repeat("x", 32<<20))); o.Cause == message.Failed {
			break
		}
	}
	if o.Cause != message.Failed || o.Code != "timeout" {
		t.Errorf("outcome %+v", o)
	}
}

func TestRefusedConnectionIsNoAttempt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://user:s3cret@" + l.Addr().String()
	_ = l.Close()
	for name, e := range map[string]string{
		"nobody listens":      nobody,
		"no socket file":      "unix://" + t.TempDir() + "/none.sock:/x",
		"nobody listens, TLS": strings.Replace(nobody, "http:", "https:", 1),
	} {
		t.Run(name, func(t *testing.T) {
			tr := open(t, webhook.Options{Endpoint: endpoint(t, e), RequestTimeout: long})
			o := tr.Transmit(t.Context(), newMessage("a", "x"))
			if o.Verdict != message.Retry || o.Cause != message.Unreached || o.Code != "refused" || o.Reason == "" {
				t.Errorf("outcome %+v", o)
			}
			if err := tr.Probe(t.Context()); err == nil || strings.Contains(err.Error()+o.Reason, "s3cret") {
				t.Errorf("probe: %v; reason: %s", err, o.Reason)
			}
		})
	}
}

func TestProbeConnectsAndPostsNothing(t *testing.T) {
	w, e := listenTCP(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	tr := open(t, webhook.Options{Endpoint: e})
	if err := tr.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if n := w.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestWorkThatIsCutOffIsRetried(t *testing.T) {
	for name, sends := range map[string]string{
		"before the head": "",
		"in the body":     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			_, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
				r := bufio.NewReader(c)
				readRequest(w, r)
				_, _ = io.WriteString(c, sends)
				cancel(errors.New("drained"))
				_, _ = r.ReadByte()
			})
			tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: long})
			o := tr.Transmit(ctx, newMessage("a", "x"))
			if o.Verdict != message.Retry || o.Cause != message.Failed || o.Code != "error" {
				t.Errorf("outcome %+v", o)
			}
			if o.Reason != "cut off: the drain time is over" {
				t.Errorf("reason %q", o.Reason)
			}
		})
	}
}

func TestRequestIsCutOffByItsOwnContext(t *testing.T) {
	for name, third := range map[string]bool{"the one of the requests before": false, "another one": true} {
		t.Run(name, func(t *testing.T) {
			before, end := context.WithCancel(t.Context())
			defer end()
			ctx, cancel := before, end
			if third {
				ctx, cancel = context.WithCancel(t.Context())
				defer cancel()
			}
			w, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
				r := bufio.NewReader(c)
				for range 2 {
					readRequest(w, r)
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
				readRequest(w, r)
				cancel()
				_, _ = r.ReadByte()
			})
			tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: long})
			for range 2 {
				if o := tr.Transmit(before, newMessage("a", "x")); o.Verdict != message.Delivered {
					t.Fatalf("outcome %+v", o)
				}
			}
			over := make(chan struct{})
			go func() {
				defer close(over)
				if o := tr.Transmit(ctx, newMessage("a", "x")); o.Reason != "cut off: the drain time is over" || w.connections.Load() != 1 {
					t.Errorf("outcome %+v on %d connections", o, w.connections.Load())
				}
			}()
			waitFor(t, over, "the request goes on")
		})
	}
}

func TestConnectionsAreKeptAndNoMoreThanTheConcurrency(t *testing.T) {
	const concurrency, each = 8, 40
	bodies := map[string]string{
		"empty":   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"some":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"limit":   "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + strings.Repeat("x", 64<<10),
		"failure": "HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nsorry",
	}
	for name, answer := range bodies {
		t.Run(name, func(t *testing.T) {
			w, e := listenTCP(t, answering(answer))
			tr := open(t, webhook.Options{Endpoint: e, Concurrency: concurrency, RequestTimeout: long})
			var all sync.WaitGroup
			for range concurrency {
				all.Go(func() {
					for range each {
						if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Status == 0 {
							t.Errorf("outcome %+v", o)
						}
					}
				})
			}
			all.Wait()
			if n := w.requests.Load(); n != concurrency*each {
				t.Errorf("%d requests, want %d", n, concurrency*each)
			}
			if n := w.connections.Load(); n > concurrency {
				t.Errorf("%d connections for a concurrency of %d", n, concurrency)
			}
		})
	}
}

func TestIdleConnectionIsClosedBeforeTheWorkerWould(t *testing.T) {
	closed := make(chan struct{})
	_, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
		answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(w, c)
		close(closed)
	})
	tr := open(t, webhook.Options{Endpoint: e})
	tr.Transmit(t.Context(), newMessage("a", "x"))
	waitFor(t, closed, "the idle connection stays open")
}

func TestWarningsNameTheMessage(t *testing.T) {
	_, e := listenTCP(t, answeringOnce("HTTP/1.1 503 Oops\r\nRetry-After: -7\r\nX-Carrier-Action: s3cret\r\nContent-Length: 0\r\n\r\n"))
	var got []string
	tr := open(t, webhook.Options{Endpoint: e, Warn: func(id, what string) { got = append(got, id+": "+what) }})
	tr.Transmit(t.Context(), newMessage("a", "x"))
	if len(got) != 2 || !strings.HasPrefix(got[0], "a: X-Carrier-Action") || !strings.HasPrefix(got[1], "a: Retry-After") {
		t.Errorf("warnings %q", got)
	}
	if all := strings.Join(got, ""); strings.Contains(all, "s3cret") || strings.Contains(all, "-7") {
		t.Errorf("warnings %q hold a header's value", got)
	}
}

// A worker that answers one message twice would answer for another one that it has not accepted.
func TestWorkerThatAnswersTwiceIsWarnedOf(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	w, e := listenTCP(t, answering(ok+ok))
	var warned []string
	tr := open(t, webhook.Options{Endpoint: e, Warn: func(id, what string) { warned = append(warned, id+what) }})
	for range 5 {
		if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Verdict != message.Delivered {
			t.Errorf("outcome %+v", o)
		}
	}
	if n := w.connections.Load(); n != 5 || len(warned) != 1 || !strings.HasPrefix(warned[0], "the worker sent bytes that no request asked for") {
		t.Errorf("%d connections, warned %q", n, warned)
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

func TestConnectionThatTheWorkerClosedIsNotUsed(t *testing.T) {
	gone := make(chan struct{})
	w, e := listenTCP(t, func(w *rawWorker, c net.Conn) {
		r := bufio.NewReader(c)
		if readRequest(w, r) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
		_ = c.Close() // without a word about it in the answer
		gone <- struct{}{}
	})
	tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: long})
	for range 5 {
		if o := tr.Transmit(t.Context(), newMessage("a", "x")); o.Verdict != message.Delivered {
			t.Errorf("outcome %+v", o)
		}
		<-gone
	}
	if n := w.requests.Load(); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

func TestAnswerThatComesBeforeTheBodyIsReadCounts(t *testing.T) {
	_, e := listenTCP(t, func(_ *rawWorker, c net.Conn) {
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		<-t.Context().Done() // reads no further
	})
	tr := open(t, webhook.Options{Endpoint: e, RequestTimeout: long})
	o := tr.Transmit(t.Context(), newMessage("a", strings.Repeat("x", 32<<20)))
	if o.Verdict != message.Rejected || o.Status != 413 {
		t.Errorf("outcome %+v", o)
	}
}
