package test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Section 4: a worker that is not there is waited for, not failed.

func TestNothingIsReceivedBeforeTheWorkerListens(t *testing.T) {
	t.Parallel()
	w := absentWorker(t, always(says(200)))
	b := prepare(t, ofSQS, w, nil)
	id := b.put(testMessage{Body: "a"})
	b.start()
	b.awaitLog("worker does not take messages")
	if r := b.ask("/readyz"); r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Body, "worker") {
		t.Errorf("/readyz: %d %s", r.Status, r.Body)
	}
	if n := b.onSQS().server.Calls("ReceiveMessage"); n != 0 {
		t.Errorf("%d receives before the worker was there", n)
	}
	w.listen()
	if r := w.await(1)[0]; r.id() != id || r.receiveCount() != 1 {
		t.Errorf("got %+v", r)
	}
	b.awaitReady()
	b.stop()
}

// TestMessageIsHeldWhileTheWorkerRefusesConnections takes the worker away while it holds
// a message: what follows waits under its lease and costs no further receive.
func TestMessageIsHeldWhileTheWorkerRefusesConnections(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		w := newWorker(t, always(says(200)))
		b := newBench(t, kind, w, env{"CARRIER_SQS_WAIT_TIME": "1s", "CARRIER_SQS_VISIBILITY_TIMEOUT": "3s", "CARRIER_INGEST_LEASE": "3s"})
		w.close()
		ids := b.putAll("a", "b")
		b.awaitLog("worker does not take messages")
		refused := func() float64 { return b.metric("carrier_attempts_total", `code="refused"`) }
		until(t, "an attempt that was refused", func() bool { return refused() >= 1 })
		if b.metric("carrier_worker_up") != 0 || b.ask("/readyz").Status != http.StatusServiceUnavailable {
			t.Error("the worker is gone, and metric or /readyz says it is there")
		}
		// It is held for longer than its lease.
		until(t, "renewals", func() bool { return b.metric("carrier_lease_extensions_total", `result="ok"`) >= 8 })
		if n := b.settled("failed") + b.settled("returned"); n != 0 {
			t.Errorf("%d messages were given back", n)
		}
		w.listen()
		b.awaitReady()
		b.awaitEmpty()
		for _, id := range ids {
			if posts := w.of(id); len(posts) != 1 || posts[0].receiveCount() != 1 {
				t.Errorf("message %s: posts %+v, want one, of the first receive", id, posts)
			}
		}
		if n := len(b.logged("worker does not take messages")); n != 1 {
			t.Errorf("the worker's absence is logged %d times, want once", n)
		}
		b.stop()
	})
}

func TestHeldMessageGoesBackAtOnceWhenStopping(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, nil)
	w.close()
	id := b.put(testMessage{Body: "a"})
	b.awaitLog("worker does not take messages")
	b.stop()
	changes := changesOf(b.onSQS().queue, id)
	if len(changes) == 0 || changes[len(changes)-1].Seconds != 0 {
		t.Errorf("visibility changes %+v, want the last one to be 0", changes)
	}
	if n := b.onSQS().queue.Counts().Visible; n != 1 {
		t.Errorf("%d messages are visible, want 1", n)
	}
}

func TestSocketThatIsNotThereYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := absentWorker(t, always(says(200)))
	w.network, w.address = "unix", t.TempDir()+"/w.sock"
	b := prepare(t, ofIngest, w, env{"CARRIER_WEBHOOK_ENDPOINT": "unix://" + w.address})
	b.start()
	b.awaitLog("worker does not take messages")
	w.listen()
	b.awaitReady()
	b.delivers()
}

// TestHandshakeThatFailsIsNoAttempt gives carrier an authority that did not sign the worker's
// certificate: before the first message, and again while it runs.
func TestHandshakeThatFailsIsNoAttempt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, ca, other := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "ca"), filepath.Join(dir, "other")
	writePair(t, cert, key, time.Now().Add(time.Hour))
	writePair(t, other, filepath.Join(dir, "other-key"), time.Now().Add(time.Hour))
	trust := func(file string) {
		content, err := os.ReadFile(file)
		must(t, err)
		must(t, os.WriteFile(ca+".new", content, 0o600))
		must(t, os.Rename(ca+".new", ca))
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	must(t, err)
	counts := make(chan string, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		counts <- r.Header.Get("X-Carrier-Receive-Count")
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)

	trust(other)
	b := prepare(t, ofIngest, absentWorker(t, nil), env{"CARRIER_WEBHOOK_ENDPOINT": server.URL, "CARRIER_WEBHOOK_CA_FILE": ca, "CARRIER_INGEST_LEASE": "1s"})
	b.start()
	b.awaitLog("worker does not take messages")
	if up := b.metric("carrier_worker_up"); up != 0 || b.ask("/readyz").Status != http.StatusServiceUnavailable {
		t.Errorf("carrier_worker_up is %v, and /readyz says %d", up, b.ask("/readyz").Status)
	}
	trust(cert)
	b.awaitReady()
	for _, body := range []string{"a", "b"} {
		b.put(testMessage{Body: body})
		if count := <-counts; count != "1" {
			t.Errorf("message %s was received %s times", body, count)
		}
		b.awaitEmpty()
		if body == "b" {
			break
		}
		trust(other)
		server.CloseClientConnections()
		b.put(testMessage{Body: "held"})
		until(t, "a handshake that failed", func() bool { return b.metric("carrier_attempts_total", `code="refused"`) >= 1 })
		until(t, "the message is held", func() bool { return b.metric("carrier_lease_extensions_total", `result="ok"`) >= 4 })
		trust(cert)
		if count := <-counts; count != "1" {
			t.Errorf("the held message was received %s times", count)
		}
		b.awaitEmpty()
	}
	if n := b.settled("failed") + b.settled("returned"); n != 0 {
		t.Errorf("%d messages were given back", n)
	}
	b.stop()
}
