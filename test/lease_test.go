package test

import (
	"fmt"
	"testing"
	"time"

	"carrier/internal/testkit/sqstest"
)

// Section 5: leases.

func TestSlowMessageIsKeptBeyondItsLease(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		hold := make(chan struct{})
		w := by.newWorker(t, always(held(says(200), hold)))
		b := newBench(t, kind, w, env{
			"CARRIER_SQS_VISIBILITY_TIMEOUT": "3s", "CARRIER_INGEST_LEASE": "3s", "CARRIER_SQS_WAIT_TIME": "1s",
		})
		ids := b.putAll("a", "b", "c")
		w.await(3)
		begun := time.Now()
		until(t, "two leases to pass", func() bool { return time.Since(begun) > 7*time.Second })
		close(hold)
		b.awaitEmpty()
		if n := b.metric("carrier_lease_extensions_total", `result="ok"`); n < 6 {
			t.Errorf("%v renewals in more than two leases of three messages", n)
		}
		if n := b.metric("carrier_leases_lost_total"); n != 0 {
			t.Errorf("%v leases were lost", n)
		}
		b.stop()
		onePostEach(t, w, ids)
		if kind == ofSQS {
			handedOutOnce(t, b, ids)
		}
	})
}

func onePostEach(t *testing.T, w *worker, ids []string) {
	t.Helper()
	for _, id := range ids {
		if n := len(w.of(id)); n != 1 {
			t.Errorf("message %s was posted %d times, want once", id, n)
		}
	}
	if n := len(w.got()); n != len(ids) {
		t.Errorf("%d posts, want %d", n, len(ids))
	}
}

func handedOutOnce(t *testing.T, b *bench, ids []string) {
	t.Helper()
	out := b.onSQS().queue.HandedOut()
	for _, id := range ids {
		if out[id] != 1 {
			t.Errorf("message %s was handed out %d times, want once", id, out[id])
		}
	}
}

// TestMessageWaitingInFlightIsKeptToo has one slot and several messages in flight.
func TestMessageWaitingInFlightIsKeptToo(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := newBench(t, ofSQS, w, env{
		"CARRIER_CONCURRENCY": "1", "CARRIER_PREFETCH": "4", "CARRIER_SQS_VISIBILITY_TIMEOUT": "3s", "CARRIER_SQS_WAIT_TIME": "1s",
	})
	ids := b.putAll("a", "b", "c", "d", "e")
	until(t, "five in flight", func() bool { return b.metric("carrier_messages_in_flight") == 5 })
	begun := time.Now()
	until(t, "a lease to pass", func() bool { return time.Since(begun) > 5*time.Second })
	close(hold)
	b.awaitEmpty()
	b.stop()
	onePostEach(t, w, ids)
	handedOutOnce(t, b, ids)
	if w.most() != 1 {
		t.Errorf("%d posts in flight, want 1", w.most())
	}
}

// TestLeaseLostBeforeThePostIsNotPosted takes a waiting message's lease away.
func TestMessageWhoseLeaseIsLostWhileItWaitsIsNotPosted(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := newBench(t, ofSQS, w, env{
		"CARRIER_CONCURRENCY": "1", "CARRIER_PREFETCH": "1", "CARRIER_SQS_VISIBILITY_TIMEOUT": "30s", "CARRIER_SQS_WAIT_TIME": "1s",
	})
	s := b.onSQS()
	ids := b.putAll("a", "b")
	until(t, "both in flight", func() bool { return b.metric("carrier_messages_in_flight") == 2 })
	w.await(1)
	waiting := ids[0]
	if w.got()[0].id() == ids[0] {
		waiting = ids[1]
	}
	gone := sqstest.EntryFault{Code: "ReceiptHandleIsInvalid", Message: "The receipt handle has expired.", SenderFault: true}
	s.server.Always("ChangeMessageVisibilityBatch", sqstest.Fault{Entry: func(int, string) *sqstest.EntryFault { return &gone }})
	until(t, "the lease is known to be lost", func() bool {
		return b.metric("carrier_lease_extensions_total", `result="lost"`) >= 2
	})
	close(hold)
	until(t, "the waiting one is let go", func() bool { return b.settled("lost") >= 1 })
	if n := len(w.of(waiting)); n != 0 {
		t.Errorf("posted %d times without a lease", n)
	}
	s.server.Heal()
	s.server.Advance(time.Minute)
	b.awaitEmpty()
	if posts := w.of(waiting); len(posts) != 1 || posts[0].receiveCount() != 2 {
		t.Errorf("posts %+v, want one, of the second receive", posts)
	}
	b.stop()
}

// TestNoRenewalFollowsASettlement keeps many messages for about as long as their renewal
// takes to come due, and looks at the order in which the source was told.
func TestNoRenewalFollowsASettlement(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		const n = 60
		w := by.newWorker(t, func(i int, r request) answer {
			wait := time.Duration(1200+i%20*20) * time.Millisecond
			if r.receiveCount() == 1 && i%2 == 0 {
				return after(wait, says(503, "Retry-After: 1"))
			}
			return after(wait, says(200))
		})
		b := newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "20", "CARRIER_SQS_VISIBILITY_TIMEOUT": "4s", "CARRIER_SQS_WAIT_TIME": "1s"})
		for i := range n {
			b.put(testMessage{Body: fmt.Sprint(i)})
		}
		b.awaitEmpty()
		b.stop()
		q := b.onSQS().queue
		removed := map[string]time.Time{}
		for _, d := range q.Deletions() {
			if d.Removed {
				removed[d.MessageID] = d.At
			}
		}
		for _, c := range q.VisibilityChanges() {
			if at, there := removed[c.MessageID]; there && c.At.After(at) {
				t.Errorf("the lease of %s was changed after its deletion", c.MessageID)
			}
			if c.Code != "" {
				t.Errorf("a change of %s was refused: %s", c.MessageID, c.Code)
			}
		}
		for id := range removed {
			changes := changesOf(q, id)
			for i, c := range changes[:max(0, len(changes)-1)] {
				// One second is what the worker has asked for; until it has passed, nothing follows.
				if next := changes[i+1]; c.Seconds == 1 && next.At.Sub(c.At) < time.Second {
					t.Errorf("%s was given back for a second, and its lease changed after %v", id, next.At.Sub(c.At))
				}
			}
		}
	})
}
