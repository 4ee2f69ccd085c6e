package test

import (
	"fmt"
	"testing"

	"carrier/internal/testkit/sqstest"
)

// Section 5: settlements that go wrong.

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
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, always(says(200)))
		b := newBench(t, ofSQS, w, env{"CARRIER_SQS_VISIBILITY_TIMEOUT": "1s", "CARRIER_SQS_WAIT_TIME": "1s"})
		s := b.onSQS()
		s.server.Always("DeleteMessageBatch", sqstest.Fault{Error: sqstest.InternalError()})
		id := b.put(testMessage{Body: "a"})
		w.await(1)
		until(t, "handed out again", func() bool { return s.queue.HandedOut()[id] >= 2 })
		s.server.Heal()
		b.awaitEmpty()
		if n := b.metric("carrier_duplicates_total"); n < 1 {
			t.Error("carrier_duplicates_total counts nothing")
		}
		b.stop()
		onePostEach(t, w, []string{id})
	})
}

func TestSettlementsGoInBatches(t *testing.T) {
	t.Parallel()
	const n = 100
	release := make(chan struct{})
	w := newWorker(t, always(held(says(200), release)))
	b := newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "100", "CARRIER_SQS_RECEIVERS": "5"})
	for i := range n {
		b.put(testMessage{Body: fmt.Sprint(i)})
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

// TestAcceptedMessageIsRememberedWhenItsDeletionWasGivenUp has the source refuse
// everything until the program has let go of the message.
func TestAcceptedMessageIsRememberedWhenItsDeletionWasGivenUp(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, always(says(200)))
		b := newBench(t, ofSQS, w, env{"CARRIER_SQS_VISIBILITY_TIMEOUT": "3s", "CARRIER_SQS_WAIT_TIME": "1s"})
		s := b.onSQS()
		s.server.Always("DeleteMessageBatch", sqstest.Fault{Error: sqstest.InternalError()})
		id := b.put(testMessage{Body: "a"})
		w.await(1)
		s.server.Always("ReceiveMessage", sqstest.Fault{Error: sqstest.InternalError()})
		until(t, "nothing in flight", func() bool { return b.settled("lost") >= 1 && b.metric("carrier_messages_in_flight") == 0 })
		s.server.Heal()
		b.awaitEmpty()
		b.stop()
		onePostEach(t, w, []string{id})
		if n := s.queue.HandedOut()[id]; n < 2 {
			t.Errorf("handed out %d times: nothing was shown", n)
		}
	})
}
