package test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"carrier/internal/testkit/sqstest"
)

// Sections 2 and 5: receives, and a source in trouble.

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
			b.put(testMessage{Body: "before"})
			w.await(1)
			b.awaitEmpty()
			s.Always("ReceiveMessage", fault)
			b.awaitLog("the source cannot be opened or received from")
			before, begun := s.Calls("ReceiveMessage"), time.Now()
			until(t, "some time of trouble", func() bool { return time.Since(begun) > 2*time.Second })
			calls, took := s.Calls("ReceiveMessage")-before, time.Since(begun)
			// The SDK may try three times for each of ours; ours begin at a tenth of a second
			// apart and double from there.
			if most := 20 + 5*int(took/time.Second); calls > most {
				t.Errorf("%d calls in %v, want at most %d", calls, took, most)
			}
			s.Heal()
			b.put(testMessage{Body: "after"})
			w.await(2)
			b.awaitEmpty()
			if n := len(b.logged("the source cannot be opened or received from")); n > 2 {
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
		t.Errorf("%d posts in flight, want 3", w.most())
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
				b.put(testMessage{Body: fmt.Sprint(i)})
			}
			b.start()
			w.await(30)
			close(hold)
			b.awaitEmpty()
			if most := b.onSQS().server.MostOpen("ReceiveMessage"); most > c.most {
				t.Errorf("%d receives were open at the same time, want at most %d", most, c.most)
			}
			if w.most() > 30 {
				t.Errorf("%d posts in flight, want at most 30", w.most())
			}
			b.stop()
		})
	}
}
