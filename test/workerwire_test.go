package test

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"carrier/internal/testkit/programtest"
)

// What workers do on the wire that is not in the book, and workers that cannot be reached.

// TestAnswerOfOneMessageIsNeverTheNextOnes has the worker answer the first message oddly, and
// refuse the second one once.
func TestAnswerOfOneMessageIsNeverTheNextOnes(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for name, wire := range map[string]string{
		"204 with a body":      "HTTP/1.1 204 No Content\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}",
		"204 with an answer":   "HTTP/1.1 204 No Content\r\nContent-Length: 38\r\n\r\n" + ok,
		"204 with chunks":      "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"two answers":          ok + ok,
		"longer than it says":  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
		"eight interim ones":   strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 8) + ok,
		"an interim one after": ok + "HTTP/1.1 103 Early Hints\r\n\r\n",
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				t.Parallel()
				w := absentWorker(t, func(_ int, r request) answer {
					switch {
					case r.Body == "first":
						return answer{Wire: wire}
					case r.receiveCount() == 1:
						return says(500)
					}
					return says(200)
				})
				e := listenAs(t, w, scheme, time.Now().Add(time.Hour)).with(env{"CARRIER_CONCURRENCY": "1"})
				b := newBench(t, ofIngest, w, e)
				first := b.put(testMessage{Body: "first"})
				w.await(1)
				b.awaitEmpty()
				second := b.put(testMessage{Body: "second"})
				b.awaitEmpty()
				b.stop()
				if n := len(w.of(first)); n != 1 {
					t.Errorf("the first one was posted %d times, want once", n)
				}
				if n := len(w.of(second)); n != 2 {
					t.Errorf("the second one, which was refused once, was posted %d times, want twice", n)
				}
			})
		}
	}
}

// listenAs makes w listen by scheme, with a certificate that is valid until end, and returns what
// the program has to know.
func listenAs(t *testing.T, w *worker, scheme string, end time.Time) env {
	t.Helper()
	if scheme == "http" {
		w.listen()
		return nil
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePair(t, cert, key, end)
	w.serve(listenTLS(t, w.address, cert, key))
	return env{"CARRIER_WEBHOOK_ENDPOINT": "https://" + w.address, "CARRIER_WEBHOOK_CA_FILE": cert}
}

func listenTLS(t *testing.T, address, cert, key string) net.Listener {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	must(t, err)
	l, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	must(t, err)
	return l
}

func TestWorkerWhoseCertificateIsExpiredIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := absentWorker(t, always(says(200)))
	expired := listenAs(t, w, "https", time.Now().Add(-time.Minute))
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePair(t, cert, key, time.Now().Add(time.Hour))
	both := filepath.Join(dir, "ca.crt")
	must(t, os.WriteFile(both, []byte(read(t, expired["CARRIER_WEBHOOK_CA_FILE"])+read(t, cert)), 0o600))
	b := prepare(t, ofSQS, w, expired.with(env{"CARRIER_WEBHOOK_CA_FILE": both, "CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_SQS_WAIT_TIME": "1s"}))
	dead := b.onSQS().deadLetters(1)
	b.start()
	b.heldBack()
	w.close()
	w.serve(listenTLS(t, w.address, cert, key))
	b.awaitReady()
	b.delivers()
	if n := dead.Counts().All(); n != 0 {
		t.Errorf("%d dead letters, want none", n)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	must(t, err)
	return string(text)
}

// heldBack puts a message while the worker cannot be reached, and checks that it costs nothing.
func (b *bench) heldBack() {
	b.t.Helper()
	b.awaitLog("worker does not take messages")
	b.put(testMessage{Body: "held back"})
	until(b.t, "several looks at the worker", func() bool { return b.metric("carrier_worker_up") == 0 })
	if r := b.ask("/readyz"); r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Body, "worker") {
		b.t.Errorf("/readyz: %d %s", r.Status, r.Body)
	}
	for _, outcome := range []string{"failed", "rejected"} {
		if n := b.settled(outcome); n != 0 {
			b.t.Errorf("%d messages %s, though no worker saw them", n, outcome)
		}
	}
}

// TestFullBacklogOfASocketIsNoAttempt has a worker whose Unix socket takes no connection, because
// nobody accepts those that wait.
func TestFullBacklogOfASocketIsNoAttempt(t *testing.T) {
	t.Parallel()
	w := absentWorker(t, always(says(200)))
	w.network, w.address = "unix", t.TempDir()+"/w.sock"
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: w.address}))
	must(t, syscall.Listen(fd, 0))
	for {
		waiting, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
		must(t, err)
		t.Cleanup(func() { _ = syscall.Close(waiting) })
		if syscall.Connect(waiting, &syscall.SockaddrUnix{Name: w.address}) != nil {
			break // the backlog is full
		}
	}
	b := prepare(t, ofSQS, w, env{"CARRIER_WEBHOOK_ENDPOINT": "unix://" + w.address, "CARRIER_SQS_WAIT_TIME": "1s"})
	b.start()
	b.heldBack()
	file := os.NewFile(uintptr(fd), "socket")
	l, err := net.FileListener(file)
	must(t, err)
	_ = file.Close()
	w.serve(l)
	b.awaitReady()
	b.delivers()
	for _, r := range w.got() {
		if r.receiveCount() != 1 {
			t.Errorf("%s came with its receive %d, want the first", r.Body, r.receiveCount())
		}
	}
}

func TestRetryAfterThatIsOverIsTheBackoff(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"zero": "Retry-After: 0", "a past date": "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", "now": "Retry-After: " + time.Now().UTC().Format(http.TimeFormat),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(429, header)))
			b := newBench(t, ofSQS, w, env{"CARRIER_RETRY_INITIAL_INTERVAL": "2h", "CARRIER_RETRY_MAX_INTERVAL": "2h"})
			q := b.onSQS().queue
			id := b.put(testMessage{Body: "a"})
			until(t, "it is given back", func() bool { return len(changesOf(q, id)) > 0 })
			if got := changesOf(q, id)[0].Seconds; got < 3600 || got > 7200 {
				t.Errorf("hidden for %d s, want half of the backoff to the whole, 3600 to 7200", got)
			}
			b.stop()
		})
	}
}

func TestSettingsOfTheEnvironmentThatAreNotCarriersDoNoHarm(t *testing.T) {
	t.Parallel()
	links := func(name string) env {
		return env{
			name + "_SERVICE_HOST": "10.96.0.9", name + "_SERVICE_PORT": "80", name + "_SERVICE_PORT_HTTP": "80", name + "_PORT": "tcp://10.96.0.9:80",
			name + "_PORT_80_TCP": "tcp://10.96.0.9:80", name + "_PORT_80_TCP_PROTO": "tcp", name + "_PORT_80_TCP_PORT": "80", name + "_PORT_80_TCP_ADDR": "10.96.0.9",
		}
	}
	for name, e := range map[string]env{
		"FIPS with an endpoint":           {"AWS_USE_FIPS_ENDPOINT": "true"},
		"dual stack with an endpoint":     {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"a Service called carrier":        links("CARRIER"),
		"a Service called carrier-sqs":    links("CARRIER_SQS"),
		"a Service called carrier-pubsub": links("CARRIER_PUBSUB_EMULATOR"),
		"a Service called carrier-ingest": links("CARRIER_INGEST"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(200)))
			b := newBench(t, ofSQS, w, e)
			b.delivers()
			for _, l := range b.log() {
				if l.text("level") == "warn" && strings.Contains(l.text("msg"), "_PORT") {
					t.Errorf("warned: %v", l)
				}
			}
		})
	}
}

func TestBlankAtTheEndOfAValueIsAFault(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1\n", "AWS_ACCESS_KEY_ID": "AKIDTEST ", "AWS_SECRET_ACCESS_KEY": "\ufeffsecret", "AWS_SESSION_TOKEN": "token\n",
		"CARRIER_WEBHOOK_ENDPOINT": "http://" + programtest.FreeAddress(t) + "/hook ",
	} {
		w := newWorker(t, always(says(200)))
		b := prepare(t, ofSQS, w, env{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
		b.env[name] = value
		if p := run(t, b.env); p.code != 2 || !strings.Contains(p.stderr.String(), name) {
			t.Errorf("%s: exit code %d, want 2 and the variable named:\n%s", name, p.code, p.stderr.String())
		}
	}
}
