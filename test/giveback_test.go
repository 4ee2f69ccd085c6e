package test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"carrier/internal/testkit/sqstest"
)

// Section 7: what is given back at the stop.

func TestStopDoesNotWaitForALongPoll(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, always(says(200)))
		b := newBench(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "20s"})
		s := b.onSQS().server
		until(t, "a long poll", func() bool { return s.Open("ReceiveMessage") == 1 && len(b.onSQS().queue.Receives()) > 0 })
		begun := b.onSQS().queue.Receives()[0]
		b.stop()
		until(t, "the poll is over", func() bool { return s.Open("ReceiveMessage") == 0 })
		if polled := s.Now().Sub(begun.At); polled >= 20*time.Second {
			t.Errorf("the poll went on to its end, %v", polled)
		}
	})
}

// TestWhatALongPollBringsAfterTheSignalIsGivenBack holds the answer of a receive until
// the stop has begun. A poll has a second from then on: on a machine that takes longer
// to let it go the message comes back with its lease, and it is tried again.
func TestWhatALongPollBringsAfterTheSignalIsGivenBack(t *testing.T) {
	t.Parallel()
	for range 5 {
		w := newWorker(t, always(says(200)))
		b := prepare(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "20s"})
		s := b.onSQS()
		release := make(chan struct{})
		s.server.Always("ReceiveMessage", sqstest.Fault{HoldAnswer: release})
		id := b.put(testMessage{Body: "a"})
		b.start()
		until(t, "handed out", func() bool { return s.queue.HandedOut()[id] == 1 })
		b.Signal(syscall.SIGTERM)
		b.awaitLog("stopping, no message")
		close(release)
		b.wait()
		if b.code != 0 {
			t.Errorf("exit code %d", b.code)
		}
		if n := len(w.got()); n != 0 {
			t.Errorf("%d posts after the signal", n)
		}
		changes := changesOf(s.queue, id)
		if n := len(changes); n > 0 && changes[n-1].Seconds == 0 && s.queue.Counts().Visible == 1 {
			return
		}
	}
	t.Error("it was never given back")
}

// Where consumers ask, a tail is received as far as others have asked: it is no matter of theirs.
func TestGroupsTailIsGivenBackLastOneFirst(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := ofWebhook.newWorker(t, always(held(says(200), hold)))
	b := prepare(t, ofSQSFIFO, w, env{"CARRIER_CONCURRENCY": "4", "CARRIER_SQS_WAIT_TIME": "1s"})
	var ids []string
	for i := range 4 {
		ids = append(ids, b.put(testMessage{Body: fmt.Sprint("A", i), Group: "A"}))
	}
	b.start()
	b.awaitReady()
	w.await(1)
	until(t, "four in flight", func() bool { return b.metric("carrier_messages_in_flight") == 4 })
	b.Signal(syscall.SIGTERM)
	q := b.onSQS().queue
	var back []string
	until(t, "the tail is back", func() bool {
		back = nil
		for _, c := range q.VisibilityChanges() {
			if c.Seconds == 0 {
				back = append(back, c.MessageID)
			}
		}
		return len(back) == 3
	})
	if want := []string{ids[3], ids[2], ids[1]}; !slices.Equal(back, want) {
		t.Errorf("given back %q, want %q", back, want)
	}
	close(hold)
	b.wait()
	if b.code != 0 || q.Counts().All() != 3 {
		t.Errorf("exit code %d, %d messages left", b.code, q.Counts().All())
	}
	b.start()
	b.awaitReady()
	b.awaitEmpty()
	b.stop()
	inOrder(t, w.got(), 4, "A")
}
