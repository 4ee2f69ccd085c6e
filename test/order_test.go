package test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"carrier/internal/testkit/sqstest"
)

// Section 6: order.

// onOrderedSources runs promise on each source that has groups, once with each way.
func onOrderedSources(t *testing.T, promise func(t *testing.T, kind string, by way)) {
	t.Helper()
	for _, kind := range []string{ofSQSFIFO, ofIngest} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			onEveryWay(t, func(t *testing.T, by way) { promise(t, kind, by) })
		})
	}
}

// putGroups stores n messages in each group, one of each in turn.
func (b *bench) putGroups(n int, groups ...string) {
	b.t.Helper()
	for i := range n {
		for _, group := range groups {
			b.put(testMessage{Body: fmt.Sprint(group, i), Group: group})
		}
	}
}

// inOrder checks that every group's messages were accepted in order, one at a time.
// Posts that failed may come before the one that was accepted, and nothing between.
func inOrder(t *testing.T, posts []request, n int, groups ...string) {
	t.Helper()
	for _, group := range groups {
		var bodies []string
		for _, r := range posts {
			if r.header("X-Carrier-Group-Id") == group {
				bodies = append(bodies, r.Body)
			}
		}
		bodies = slices.Compact(bodies)
		var want []string
		for i := range n {
			want = append(want, fmt.Sprint(group, i))
		}
		if !slices.Equal(bodies, want) {
			t.Errorf("group %s came as %q, want %q", group, bodies, want)
		}
	}
}

func TestGroupIsDeliveredInOrderOneAtATime(t *testing.T) {
	t.Parallel()
	onOrderedSources(t, func(t *testing.T, kind string, by way) {
		const n = 12
		w := by.newWorker(t, always(says(200)))
		b := newBench(t, kind, w, env{"CARRIER_CONCURRENCY": "10"})
		b.putGroups(n, "A", "B", "C")
		b.awaitEmpty()
		b.stop()
		if got := len(w.got()); got != 3*n {
			t.Errorf("%d posts, want %d", got, 3*n)
		}
		inOrder(t, w.got(), n, "A", "B", "C")
		if w.most() > 3 {
			t.Errorf("%d posts in flight of three groups", w.most())
		}
	})
}

// TestFailedHeadReturnsItsTailUnposted fails every message once or twice: in no group
// may a later one be seen before an earlier one was accepted.
func TestFailedHeadReturnsItsTailUnposted(t *testing.T) {
	t.Parallel()
	onOrderedSources(t, func(t *testing.T, kind string, by way) {
		const n = 5
		refusals := []answer{says(500), says(429, "Retry-After: 0"), raw("")}
		w := by.newWorker(t, func(i int, r request) answer {
			if r.receiveCount() == 1 {
				return refusals[i%len(refusals)]
			}
			return says(200)
		})
		b := newBench(t, kind, w, env{"CARRIER_CONCURRENCY": "6", "CARRIER_SQS_WAIT_TIME": "1s"})
		b.putGroups(n, "A", "B")
		b.awaitEmpty()
		b.stop()
		inOrder(t, w.got(), n, "A", "B")
	})
}

func TestNextOfAGroupWaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	onOrderedSources(t, func(t *testing.T, kind string, by way) {
		hold := make(chan struct{})
		w := by.newWorker(t, func(_ int, r request) answer {
			if r.Body == "A0" {
				return held(says(200), hold)
			}
			return says(200)
		})
		b := newBench(t, kind, w, env{"CARRIER_CONCURRENCY": "2", "CARRIER_SQS_WAIT_TIME": "1s"})
		b.putGroups(4, "A")
		w.await(1)
		// All of another group goes by meanwhile: the waiting tail takes no slot.
		b.putGroups(8, "B")
		w.await(9)
		until(t, "group B settled", func() bool { return b.source.left(b.program) == 4 })
		for _, r := range w.got() {
			if r.Body != "A0" && r.header("X-Carrier-Group-Id") == "A" {
				t.Errorf("%s was posted before A0 was answered", r.Body)
			}
		}
		close(hold)
		b.awaitEmpty()
		b.stop()
		inOrder(t, w.got(), 4, "A")
		inOrder(t, w.got(), 8, "B")
	})
}

// TestNextOfAGroupWaitsForTheDeletionOfTheOneBefore lets no deletion through for a while.
func TestNextOfAGroupWaitsForTheDeletionOfTheOneBefore(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, always(says(200)))
		b := newBench(t, ofSQSFIFO, w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
		s := b.onSQS()
		release := make(chan struct{})
		s.server.Inject("DeleteMessageBatch", sqstest.Fault{Hold: release})
		b.putGroups(3, "A")
		w.await(1)
		until(t, "the deletion", func() bool { return s.server.Open("DeleteMessageBatch") == 1 })
		// Another group comes and goes: whatever would have been posted of A was.
		b.putGroups(2, "B")
		until(t, "group B settled", func() bool { return s.queue.Counts().All() == 3 })
		for _, r := range w.got() {
			if r.Body == "A1" || r.Body == "A2" {
				t.Errorf("%s was posted before A0 was deleted", r.Body)
			}
		}
		close(release)
		b.awaitEmpty()
		b.stop()
		inOrder(t, w.got(), 3, "A")
	})
}

func TestGroupsRunInParallel(t *testing.T) {
	t.Parallel()
	onOrderedSources(t, func(t *testing.T, kind string, by way) {
		hold := make(chan struct{})
		w := by.newWorker(t, always(held(says(200), hold)))
		b := newBench(t, kind, w, env{"CARRIER_CONCURRENCY": "4", "CARRIER_SQS_WAIT_TIME": "1s"})
		b.putGroups(3, "A", "B", "C", "D")
		w.await(4)
		close(hold)
		b.awaitEmpty()
		b.stop()
		if w.most() != 4 {
			t.Errorf("%d posts in flight, want 4", w.most())
		}
		inOrder(t, w.got(), 3, "A", "B", "C", "D")
	})
}

func TestGroupIdOnAStandardQueueOrdersNothing(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "3", "CARRIER_SQS_WAIT_TIME": "1s"})
	for i := range 3 {
		_, err := b.onSQS().queue.Send(sqstest.Message{Body: fmt.Sprint(i), Group: "A"})
		must(t, err)
	}
	w.await(3) // all in flight, though none is answered
	close(hold)
	b.awaitEmpty()
	b.stop()
}

// TestLostLeaseOfAHeadKeepsTheOrder lets a head's lease lapse while the worker has it.
func TestLostLeaseOfAHeadKeepsTheOrder(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		hold := make(chan struct{})
		w := by.newWorker(t, func(n int, _ request) answer {
			if n == 1 {
				return held(says(500), hold)
			}
			return says(200)
		})
		b := newBench(t, ofSQSFIFO, w, env{"CARRIER_SQS_VISIBILITY_TIMEOUT": "1s", "CARRIER_SQS_WAIT_TIME": "1s"})
		s := b.onSQS()
		b.putGroups(4, "A")
		w.await(1)
		s.server.Always("ChangeMessageVisibilityBatch", sqstest.Fault{Error: sqstest.InternalError()})
		begun := time.Now()
		until(t, "the lease to lapse", func() bool { return time.Since(begun) > 2*time.Second })
		s.server.Heal()
		close(hold)
		b.awaitEmpty()
		b.stop()
		inOrder(t, w.got(), 4, "A")
	})
}
