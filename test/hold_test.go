package test

import (
	"net/http"
	"strings"
	"testing"
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
