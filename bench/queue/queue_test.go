package queue

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const lease = 30 * time.Second

func clock() int64 { return time.Now().UnixNano() }

func stays() bool { return false }

// newTestQueue has n messages; time is the bubble's.
func newTestQueue(n int) *Queue {
	q := New(100, clock)
	q.Put(n)
	return q
}

// balanced fails the test where a message is in no state or in two.
func balanced(t *testing.T, q *Queue) Counts {
	t.Helper()
	n := q.Stats()
	if n.Visible+n.InFlight+n.Deleted != n.Put || n.Visible < 0 || n.InFlight < 0 {
		t.Errorf("the books do not balance: %+v", n)
	}
	return n
}

func TestMessageIsHandedOutOnceUntilItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTestQueue(1)
		first := q.Take(nil, 10, lease)
		if len(first) != 1 || first[0].Received != 1 || len(q.Take(nil, 10, lease)) != 0 {
			t.Fatalf("handed out %+v", first)
		}
		time.Sleep(lease - 1)
		if len(q.Take(nil, 10, lease)) != 0 {
			t.Error("handed out before the lease was over")
		}
		time.Sleep(time.Nanosecond)
		again := q.Take(nil, 10, lease)
		if len(again) != 1 || again[0].Received != 2 || again[0].First != first[0].First {
			t.Errorf("handed out again: %+v", again)
		}
		if n := balanced(t, q); n.Expired != 1 || n.Received != 2 || n.InFlight != 1 {
			t.Errorf("%+v", n)
		}
	})
}

func TestEachMessageIsDeletedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTestQueue(3)
		batch := q.Take(nil, 3, lease)
		for range 2 {
			if !q.Remove(batch[0].N, 1) {
				t.Error("a delete is repeated without harm on SQS")
			}
		}
		if q.Remove(99, 1) {
			t.Error("deleted what was never put")
		}
		time.Sleep(lease)
		q.Remove(batch[1].N, 1) // after its lease, and visible again
		again := q.Take(nil, 3, lease)
		if len(again) != 1 || again[0].N != batch[2].N {
			t.Fatalf("a deleted message was handed out: %+v", again)
		}
		q.Remove(again[0].N, 1) // with the handle of the receive before
		time.Sleep(2 * lease)
		if n := balanced(t, q); n.Deleted != 3 || n.DeletedAgain != 1 || n.DeletedLate != 2 || len(q.Take(nil, 1, lease)) != 0 {
			t.Errorf("%+v", n)
		}
	})
}

func TestVisibilityIsChangedWhileInFlightOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTestQueue(2)
		batch := q.Take(nil, 2, lease)
		if !q.Change(batch[0].N, 1, 3*lease) || !q.Change(batch[1].N, 1, 0) {
			t.Fatal("a lease in force was not changed")
		}
		back := q.Take(nil, 2, lease)
		if len(back) != 1 || back[0].N != batch[1].N || back[0].Received != 2 {
			t.Fatalf("given back: %+v", back)
		}
		if q.Change(batch[1].N, 1, lease) {
			t.Error("changed with the handle of an earlier receive")
		}
		time.Sleep(lease)
		if got := q.Take(nil, 2, lease); len(got) != 1 || got[0].N != batch[1].N {
			t.Errorf("the extended one was handed out, or the other was not: %+v", got)
		}
		time.Sleep(2 * lease)
		if q.Change(batch[0].N, 1, lease) {
			t.Error("changed after its lease")
		}
		if n := balanced(t, q); n.GivenBack != 1 || n.Deferred != 1 || n.Refused != 2 || n.Visible != 2 {
			t.Errorf("%+v", n)
		}
	})
}

func TestOpenPollIsWokenByAMessageAndByTheEndOfALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTestQueue(0)
		start := time.Now()
		go func() {
			time.Sleep(7 * time.Second)
			q.Put(1)
		}()
		p := Poll{Limit: 10, Lease: 5 * time.Second, Wait: 20 * time.Second, Gone: stays}
		if got := q.Receive(nil, p); len(got) != 1 || time.Since(start) != 7*time.Second {
			t.Fatalf("%d messages after %v", len(got), time.Since(start))
		}
		if got := q.Receive(nil, p); len(got) != 1 || time.Since(start) != 12*time.Second {
			t.Fatalf("%d messages after %v", len(got), time.Since(start))
		}
		q.Remove(0, 2)
		if got := q.Receive(nil, p); len(got) != 0 || time.Since(start) != 32*time.Second {
			t.Errorf("an empty poll: %d messages after %v", len(got), time.Since(start))
		}
		balanced(t, q)
	})
}

func TestPollThatIsGoneTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTestQueue(0)
		p := Poll{Limit: 10, Lease: lease, Wait: 20 * time.Second, Gone: func() bool { return true }}
		left := make(chan int, 1)
		go func() { left <- len(q.Receive(nil, p)) }()
		synctest.Wait()
		stayed := make(chan int, 1)
		go func() {
			stayed <- len(q.Receive(nil, Poll{Limit: 10, Lease: lease, Wait: 20 * time.Second, Gone: stays}))
		}()
		synctest.Wait()
		begun := time.Now()
		q.Put(1)
		if n := <-left; n != 0 {
			t.Errorf("a closed connection was given %d messages", n)
		}
		if n := <-stayed; n != 1 || time.Since(begun) != 0 {
			t.Errorf("the poll behind it got %d messages after %v", n, time.Since(begun))
		}
	})
}

func TestLeasesEndInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var l leases
	var want []int64
	for n := range 1000 {
		at := random.Int64N(500)
		l.push(expiry{at, uint32(n)})
		want = append(want, at)
	}
	slices.Sort(want)
	for i := range want {
		if got := l.pop(); got.at != want[i] {
			t.Fatalf("the %d-th to end is %d, want %d", i, got.at, want[i])
		}
	}
}
