package test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"carrier/internal/sqstest"
)

// Section 5: leases, and settlements that go wrong.

func TestSlowMessageIsKeptBeyondItsLease(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		hold := make(chan struct{})
		w := newWorker(t, always(held(says(200), hold)))
		b := newBench(t, kind, w, env{
			"CARRIER_SQS_VISIBILITY_TIMEOUT": "2s", "CARRIER_INGEST_LEASE": "2s", "CARRIER_SQS_WAIT_TIME": "1s",
		})
		ids := b.putAll("a", "b", "c")
		w.await(3)
		begun := time.Now()
		until(t, "two leases to pass", func() bool { return time.Since(begun) > 5*time.Second })
		close(hold)
		b.awaitEmpty()
		if n := b.metric("carrier_lease_extensions_total", `result="ok"`); n < 6 {
			t.Errorf("%v renewals in two and a half leases of three messages", n)
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

// TestMessageWaitingInHandIsKeptToo has one slot and several messages in hand.
func TestMessageWaitingInHandIsKeptToo(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := newBench(t, ofSQS, w, env{
		"CARRIER_CONCURRENCY": "1", "CARRIER_PREFETCH": "4", "CARRIER_SQS_VISIBILITY_TIMEOUT": "2s", "CARRIER_SQS_WAIT_TIME": "1s",
	})
	ids := b.putAll("a", "b", "c", "d", "e")
	until(t, "five in hand", func() bool { return b.metric("carrier_messages_in_flight") == 5 })
	begun := time.Now()
	until(t, "a lease to pass", func() bool { return time.Since(begun) > 3*time.Second })
	close(hold)
	b.awaitEmpty()
	b.stop()
	onePostEach(t, w, ids)
	handedOutOnce(t, b, ids)
	if w.most() != 1 {
		t.Errorf("%d posts at once, want 1", w.most())
	}
}

func TestFaultsOfDeletionCostNoSecondPost(t *testing.T) {
	t.Parallel()
	failing := func(e sqstest.EntryFault) sqstest.Fault {
		return sqstest.Fault{Entry: func(i int, _ string) *sqstest.EntryFault {
			if i%2 == 0 {
				return &e
			}
			return nil
		}}
	}
	internal := sqstest.EntryFault{Code: "InternalError", Message: "try again"}
	done := internal
	done.Done = true
	for name, faults := range map[string][]sqstest.Fault{
		"some entries fail":                {failing(internal), failing(internal)},
		"some entries fail but were done":  {failing(done), failing(done)},
		"the answer is lost":               {{Drop: sqstest.AfterWork}, {Drop: sqstest.AfterWork}},
		"the answer is cut":                {{Drop: sqstest.MidAnswer}, {Drop: sqstest.MidAnswer}},
		"the connection is cut before":     {{Drop: sqstest.BeforeWork}, {Drop: sqstest.BeforeWork}},
		"the service has an error":         {{Error: sqstest.InternalError()}, {Error: sqstest.ServiceUnavailable()}},
		"throttled":                        {{Error: sqstest.RequestThrottled()}, {Error: sqstest.ThrottlingException()}},
		"answered before the body is read": {{EarlyHead: true}, {EarlyHead: true}},
		"refused before the body is read":  {{Unread: true, Error: sqstest.ServiceUnavailable()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(200)))
			b := newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "8", "CARRIER_SQS_WAIT_TIME": "1s"})
			b.onSQS().server.Inject("DeleteMessageBatch", faults...)
			var bodies []string
			for i := range 8 {
				bodies = append(bodies, fmt.Sprint(i))
			}
			ids := b.putAll(bodies...)
			b.awaitEmpty()
			b.stop()
			onePostEach(t, w, ids)
		})
	}
}

// TestDeliveredMessageThatComesBackIsDeletedWithoutASecondPost lets no deletion through
// until the lease is over and the queue has handed the message out again.
func TestDeliveredMessageThatComesBackIsDeletedWithoutASecondPost(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, env{"CARRIER_SQS_VISIBILITY_TIMEOUT": "1s", "CARRIER_SQS_WAIT_TIME": "1s"})
	s := b.onSQS()
	s.server.Always("DeleteMessageBatch", sqstest.Fault{Error: sqstest.InternalError()})
	id := b.put(letter{Body: "a"})
	w.await(1)
	until(t, "handed out again", func() bool { return s.queue.HandedOut()[id] >= 2 })
	s.server.Heal()
	b.awaitEmpty()
	if n := b.metric("carrier_duplicates_total"); n < 1 {
		t.Error("carrier_duplicates_total counts nothing")
	}
	b.stop()
	onePostEach(t, w, []string{id})
}

// TestLeaseLostBeforeThePostIsNotPosted takes a waiting message's lease away.
func TestMessageWhoseLeaseIsLostInHandIsNotPosted(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := newBench(t, ofSQS, w, env{
		"CARRIER_CONCURRENCY": "1", "CARRIER_PREFETCH": "1", "CARRIER_SQS_VISIBILITY_TIMEOUT": "30s", "CARRIER_SQS_WAIT_TIME": "1s",
	})
	s := b.onSQS()
	ids := b.putAll("a", "b")
	until(t, "both in hand", func() bool { return b.metric("carrier_messages_in_flight") == 2 })
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

// TestTroubleAtTheSourceMakesNoHotLoop counts the calls that are made while all fail.
func TestTroubleAtTheSourceMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sqstest.Fault{
		"throttled":           {Error: sqstest.RequestThrottled()},
		"errors":              {Error: sqstest.InternalError()},
		"dropped connections": {Drop: sqstest.BeforeWork},
		"expired credentials": {Error: sqstest.ExpiredToken()},
		"no queue any more":   {Error: sqstest.QueueDoesNotExist()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(200)))
			b := newBench(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
			s := b.onSQS().server
			b.put(letter{Body: "before"})
			w.await(1)
			b.awaitEmpty()
			s.Always("ReceiveMessage", fault)
			b.awaitLog("source in trouble")
			before, begun := s.Calls("ReceiveMessage"), time.Now()
			until(t, "some time of trouble", func() bool { return time.Since(begun) > 2*time.Second })
			calls, took := s.Calls("ReceiveMessage")-before, time.Since(begun)
			// The SDK may try three times for each of ours; ours begin at a tenth of a second
			// apart and double from there.
			if most := 20 + 5*int(took/time.Second); calls > most {
				t.Errorf("%d calls in %v, want at most %d", calls, took, most)
			}
			s.Heal()
			b.put(letter{Body: "after"})
			w.await(2)
			b.awaitEmpty()
			if n := len(b.logged("source in trouble")); n > 2 {
				t.Errorf("the trouble is logged %d times", n)
			}
			if b.ask("/readyz").Status != 200 {
				t.Error("not ready after the trouble")
			}
			b.stop()
		})
	}
}

func TestFaultsOfReceiveLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, env{"CARRIER_SQS_VISIBILITY_TIMEOUT": "1s", "CARRIER_SQS_WAIT_TIME": "1s"})
	b.onSQS().server.Inject("ReceiveMessage",
		sqstest.Fault{Drop: sqstest.AfterWork}, sqstest.Fault{Drop: sqstest.MidAnswer},
		sqstest.Fault{Error: sqstest.OverLimit()}, sqstest.Fault{Drop: sqstest.BeforeWork})
	ids := b.putAll("a", "b", "c", "d", "e", "f")
	b.awaitEmpty()
	b.stop()
	// What was handed to a connection that broke comes back with its lease, and was never posted.
	onePostEach(t, w, ids)
}

func TestSettlementsGoInBatches(t *testing.T) {
	t.Parallel()
	const n = 100
	release := make(chan struct{})
	w := newWorker(t, always(held(says(200), release)))
	b := newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "100", "CARRIER_SQS_RECEIVERS": "5"})
	for i := range n {
		b.put(letter{Body: fmt.Sprint(i)})
	}
	w.await(n)
	close(release)
	b.awaitEmpty()
	calls := b.onSQS().server.Calls("DeleteMessageBatch")
	if single := b.onSQS().server.Calls("DeleteMessage"); single != 0 || calls > n/2 {
		t.Errorf("%d batches and %d single deletions for %d messages", calls, single, n)
	}
	for _, r := range b.onSQS().queue.Receives() {
		if r.Max < 1 || r.Max > 10 {
			t.Errorf("a receive asked for %d", r.Max)
		}
	}
	b.stop()
}

func TestReceivesAskForNoMoreThanTheFreeSlots(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "3", "CARRIER_PREFETCH": "0", "CARRIER_SQS_WAIT_TIME": "1s"})
	b.putAll("a", "b", "c", "d", "e", "f")
	w.await(3)
	until(t, "no receive open", func() bool { return b.onSQS().server.Open("ReceiveMessage") == 0 })
	receives := b.onSQS().queue.Receives()
	if i := slices.IndexFunc(receives, func(r sqstest.Receive) bool { return r.Max > 3 }); i >= 0 {
		t.Errorf("a receive asked for %d with three slots", receives[i].Max)
	}
	if c := b.onSQS().queue.Counts(); c.InFlight != 3 || c.Visible != 3 {
		t.Errorf("%+v, want three in flight", c)
	}
	close(hold)
	b.awaitEmpty()
	b.stop()
	if w.most() != 3 {
		t.Errorf("%d posts at once, want 3", w.most())
	}
}

// TestNoRenewalFollowsASettlement keeps many messages for about as long as their renewal
// takes to come due, and looks at the order in which the source was told.
func TestNoRenewalFollowsASettlement(t *testing.T) {
	t.Parallel()
	const n = 60
	w := newWorker(t, func(i int, r request) answer {
		wait := time.Duration(600+i%20*10) * time.Millisecond
		if r.receiveCount() == 1 && i%2 == 0 {
			return after(wait, says(503, "Retry-After: 1"))
		}
		return after(wait, says(200))
	})
	b := newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "20", "CARRIER_SQS_VISIBILITY_TIMEOUT": "2s", "CARRIER_SQS_WAIT_TIME": "1s"})
	for i := range n {
		b.put(letter{Body: fmt.Sprint(i)})
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
}

func TestReceivesOpenAtOnceGrowToOnePerTenOfTheConcurrency(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		receivers string
		most      int
	}{"as the load needs": {"", 3}, "two": {"2", 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			w := newWorker(t, always(held(says(200), hold)))
			b := prepare(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "30", "CARRIER_SQS_WAIT_TIME": "2s"})
			if c.receivers != "" {
				b.env["CARRIER_SQS_RECEIVERS"] = c.receivers
			}
			for i := range 40 {
				b.put(letter{Body: fmt.Sprint(i)})
			}
			b.start()
			w.await(30)
			close(hold)
			b.awaitEmpty()
			if most := b.onSQS().server.MostOpen("ReceiveMessage"); most > c.most {
				t.Errorf("%d receives were open at once, want at most %d", most, c.most)
			}
			if w.most() > 30 {
				t.Errorf("%d posts at once, want at most 30", w.most())
			}
			b.stop()
		})
	}
}
