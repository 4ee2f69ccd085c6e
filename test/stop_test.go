package test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/sqstest"
)

// Section 7: the stop.

// busy is a bench whose worker holds one message, with two more in flight behind it.
func busy(t *testing.T, hold <-chan struct{}, e env) (b *bench, posted string, unposted []string) {
	t.Helper()
	w := newWorker(t, always(held(says(200), hold)))
	b = newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "1", "CARRIER_PREFETCH": "2", "CARRIER_SQS_WAIT_TIME": "1s"}.with(e))
	ids := b.putAll("a", "b", "c")
	until(t, "three in flight", func() bool { return b.metric("carrier_messages_in_flight") == 3 })
	posted = w.await(1)[0].id()
	unposted = slices.DeleteFunc(ids, func(id string) bool { return id == posted })
	return b, posted, unposted
}

func TestStopGivesBackWhatIsUnpostedAndFinishesWhatIsPosted(t *testing.T) {
	t.Parallel()
	for how, stop := range map[string]func(b *bench){
		"SIGTERM": func(b *bench) { b.Signal(syscall.SIGTERM) },
		"SIGINT":  func(b *bench) { b.Signal(syscall.SIGINT) },
		"drain":   func(b *bench) { go func() { b.drain(http.MethodPost) }() },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			b, posted, unposted := busy(t, hold, env{"CARRIER_SQS_VISIBILITY_TIMEOUT": "2s"})
			q := b.onSQS().queue
			stop(b)
			until(t, "the unposted ones are back", func() bool { return q.Counts().Visible == 2 })
			for _, id := range unposted {
				changes := changesOf(q, id)
				if n := len(changes); n == 0 || changes[n-1].Seconds != 0 {
					t.Errorf("unposted %s: changes %+v, want the last to be 0", id, changes)
				}
			}
			if r := b.ask("/readyz"); r.Status != http.StatusServiceUnavailable {
				t.Errorf("/readyz %d while stopping", r.Status)
			}
			if r := b.ask("/livez"); r.Status != http.StatusOK {
				t.Errorf("/livez %d while stopping", r.Status)
			}
			receives := len(q.Receives())
			renewed := len(changesOf(q, posted))
			until(t, "the posted one's lease is renewed", func() bool { return len(changesOf(q, posted)) >= renewed+3 })
			close(hold)
			until(t, "the posted one is deleted", func() bool { return q.Counts().All() == 2 })
			if how == "drain" {
				b.awaitDrained()
				b.Signal(syscall.SIGTERM)
			}
			b.wait()
			if b.code != 0 {
				t.Errorf("exit code %d", b.code)
			}
			if n := len(q.Receives()) - receives; n != 0 {
				t.Errorf("%d receives after the stop began", n)
			}
			onePostEach(t, b.worker, []string{posted})
		})
	}
}

func TestIngestRefusesWhileStopping(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		hold := make(chan struct{})
		w := by.newWorker(t, always(held(says(200), hold)))
		b := newBench(t, ofIngest, w, env{"CARRIER_CONCURRENCY": "1"})
		b.putAll("a", "b")
		w.await(1)
		b.Signal(syscall.SIGTERM)
		b.awaitLog("stopping, no message")
		r := send(t, http.MethodPost, b.onIngest().url(), "late")
		if r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("answer while stopping: %d %v %s", r.Status, r.Header, r.Body)
		}
		close(hold)
		b.wait()
		if b.code != 0 {
			t.Errorf("exit code %d", b.code)
		}
		// What was not posted is posted by the next run; the late one was not stored.
		b.start()
		b.awaitReady()
		w.await(2)
		b.awaitEmpty()
		b.stop()
		if got := len(w.got()); got != 2 {
			t.Errorf("%d posts, want 2", got)
		}
	})
}

func TestWhatIsUnansweredAfterTheDrainTimeIsNamedAndLeftToItsLease(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		hold := make(chan struct{})
		defer close(hold)
		w := by.newWorker(t, always(held(says(200), hold)))
		b := newBench(t, kind, w, env{
			"CARRIER_DRAIN_TIMEOUT": "300ms", "CARRIER_SQS_VISIBILITY_TIMEOUT": "5m", "CARRIER_INGEST_LEASE": "5m", "CARRIER_SQS_WAIT_TIME": "1s",
		})
		ids := b.putAll("a", "b")
		w.await(2)
		b.stop()
		named := false
		for _, l := range b.log() {
			if l.text("level") == "warn" && strings.Contains(fmt.Sprint(l), ids[0]) && strings.Contains(fmt.Sprint(l), ids[1]) {
				named = true
			}
		}
		if !named {
			t.Error("no warning names both ids")
		}
		if kind == ofSQS {
			for _, id := range ids {
				for _, c := range changesOf(b.onSQS().queue, id) {
					if c.Seconds == 0 {
						t.Errorf("%s was given back, though the worker may have it", id)
					}
				}
			}
			if n := b.onSQS().queue.Counts(); n.InFlight != 2 {
				t.Errorf("%+v, want two in flight", n)
			}
		}
	})
}

// TestSettlementGoesOnWhileStopping has the deletion fail at first.
func TestSettlementGoesOnWhileStopping(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	b, posted, _ := busy(t, hold, nil)
	s := b.onSQS()
	s.server.Inject("DeleteMessageBatch", sqstest.Fault{Error: sqstest.InternalError()}, sqstest.Fault{Drop: sqstest.BeforeWork}, sqstest.Fault{Error: sqstest.RequestThrottled()})
	b.Signal(syscall.SIGTERM)
	b.awaitLog("stopping, no message")
	close(hold)
	b.wait()
	if b.code != 0 || slices.Contains(s.queue.IDs(), posted) {
		t.Errorf("exit code %d; what the worker accepted is still in the queue: %v", b.code, slices.Contains(s.queue.IDs(), posted))
	}
}
