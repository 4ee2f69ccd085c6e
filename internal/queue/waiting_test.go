package queue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/queue/subscription"
)

// waits is what waits in q, as "body state" in the order of the list, which is made in pages of two.
func (q *Queue) waits(t *testing.T, states []State, of ...string) string {
	t.Helper()
	var all []string
	for after, more := uint64(0), true; more; more = after != 0 {
		list, next, err := q.Waiting(after, 2, states, of...)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range list {
			if w.Body != nil {
				t.Errorf("%+v has a body", w)
			}
			whole, err := q.ReadWaiting(w)
			if err != nil || whole.BodySize != len(whole.Body) {
				t.Errorf("ReadWaiting = %+v, %v", whole, err)
			}
			all = append(all, string(whole.Body)+" "+string(w.State))
		}
		after = next
	}
	return strings.Join(all, ", ")
}

func (q *Queue) wantWaits(t *testing.T, want string, of ...string) {
	t.Helper()
	if got := q.waits(t, nil, of...); got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// idOf is the id of the message that waits with a body.
func (q *Queue) idOf(t *testing.T, body string) string {
	t.Helper()
	list, _, err := q.Waiting(0, 1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list {
		if whole, _ := q.ReadWaiting(w); string(whole.Body) == body {
			return w.ID
		}
	}
	t.Fatalf("%q does not wait", body)
	return ""
}

func TestWhatWaitsIsListedWithItsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: 30 * time.Second})
		begun := time.Now()
		q.putAll(t, "", "held back")
		q.putAll(t, "g", "head tail")
		q.mustPut(t, Entry{Body: []byte("later"), Delay: time.Hour})
		batch := q.takeN(t, 3) // held back head
		if err := batch[1].GiveBack(t.Context(), Retry{Delay: time.Minute, Failed: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		q.wantWaits(t, "held in_flight, back backing_off, head in_flight, tail ready, later delayed")
		list, next, err := q.Waiting(0, 10, []State{InFlight, BackingOff})
		if err != nil || next != 0 || len(list) != 3 {
			t.Fatalf("Waiting = %+v, %d, %v", list, next, err)
		}
		if held := list[0]; held.ReceiveCount != 1 || !held.FirstReceived.Equal(begun) || !held.Due.Equal(begun.Add(30*time.Second)) || !held.Stored.Equal(begun) {
			t.Errorf("in flight: %+v", held)
		}
		if back := list[1]; back.ReceiveCount != 1 || !back.Due.Equal(begun.Add(time.Minute)) || back.ID != batch[1].ID {
			t.Errorf("backing off: %+v", back)
		}
		if got := q.waits(t, []State{Delayed}); got != "later delayed" {
			t.Errorf("delayed: %s", got)
		}
		time.Sleep(time.Minute)
		q.wantWaits(t, "held ready, back ready, head ready, tail ready, later delayed")
		q.remove(t, q.takeN(t, 3)...)
		q.wantWaits(t, "tail ready, later delayed")
		_ = q.Close()
	})
}

func TestOneMessageIsDroppedWhereverItWaits(t *testing.T) {
	for _, body := range []string{"ready", "back", "later", "group", "second", "last"} {
		t.Run(body, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := open(t, Options{Lease: time.Minute})
				q.putAll(t, "", "flies back")
				q.mustPut(t, Entry{Body: []byte("later"), Delay: 10 * time.Minute})
				batch := q.takeN(t, 2)
				if err := batch[1].GiveBack(t.Context(), Retry{Delay: time.Hour}); err != nil {
					t.Fatal(err)
				}
				q.putAll(t, "", "ready")
				q.putAll(t, "g", "group second third")
				q.fill(t, 600) // more than is looked at ahead
				q.putAll(t, "", "last")
				if err := q.DropWaiting(t.Context(), q.idOf(t, body)); err != nil {
					t.Fatal(err)
				}
				wantErr(t, "DropWaiting in flight", q.DropWaiting(t.Context(), batch[0].ID), ErrInFlight)
				before := q.Counts().Messages
				got := q.drain(t)
				all := strings.Join(got, " ")
				if before != 607 || len(got) != 607 || strings.Contains(" "+all+" ", " "+body+" ") {
					t.Errorf("%d messages wait, %d are handed out: %s", before, len(got), all)
				}
				for _, pair := range []string{"group second", "second third", "group third"} {
					first, then, _ := strings.Cut(pair, " ")
					if i, j := strings.Index(all, first), strings.Index(all, then); i > j && j >= 0 {
						t.Errorf("%s comes before %s", then, first)
					}
				}
				q.wantUsage(t, 0, 0)
				_ = q.Close()
			})
		})
	}
}

// fill puts n messages, whose bodies are numbers.
func (q *Queue) fill(t *testing.T, n int) {
	t.Helper()
	var last *subscription.Batch
	for i := range n {
		e := Entry{Body: []byte(fmt.Sprint(i))}
		b, err := q.admit(q.newPut(e), &e)
		if err != nil {
			t.Fatal(err)
		}
		last = b
	}
	if err := q.set.Wait(t.Context(), last); err != nil {
		t.Fatal(err)
	}
}

// drain removes all there is as it comes due within a day, and returns the bodies.
func (q *Queue) drain(t *testing.T) (got []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	for q.Counts().Messages > 0 {
		batch, err := q.Receive(ctx, 100)
		if err != nil {
			t.Errorf("Receive = %v, with %d messages left", err, q.Counts().Messages)
			return got
		}
		var removing sync.WaitGroup
		for _, d := range batch {
			got = append(got, string(d.Body))
			removing.Go(func() { q.remove(t, d) })
		}
		removing.Wait()
	}
	return got
}

// TestDroppedHeadLetsItsGroupGo: that is what dropping a message that fails for ever is for.
func TestDroppedHeadLetsItsGroupGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{})
		q.putAll(t, "g", "poison next")
		poison := q.take(t)
		if err := poison.GiveBack(t.Context(), Retry{Delay: time.Hour, Failed: true}); err != nil {
			t.Fatal(err)
		}
		q.none(t)
		if err := q.DropWaiting(t.Context(), poison.ID); err != nil {
			t.Fatal(err)
		}
		q.remove(t, wantDueOf(t, q.Subscription(0), "next")...)
		q.wantUsage(t, 0, 0)
		wantErr(t, "a second DropWaiting", q.DropWaiting(t.Context(), poison.ID), ErrNoMessage)
		_ = q.Close()
	})
}

func TestDropIsOfOneSubscription(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a", "b", "gone")})
	q.mustPut(t, Entry{Body: []byte("1"), To: to(0, 1)})
	q.mustPut(t, Entry{Body: []byte("2"), To: to(2)})
	q.wantWaits(t, "1 ready, 1 ready, 2 ready")
	one, two := q.idOf(t, "1"), q.idOf(t, "2")
	err := q.DropWaiting(t.Context(), one)
	if wantErr(t, "DropWaiting", err, ErrSeveral); !strings.Contains(err.Error(), "a, b") {
		t.Errorf("DropWaiting = %v, want the names", err)
	}
	if err := q.DropWaiting(t.Context(), one, "b"); err != nil {
		t.Fatal(err)
	}
	q.wantWaits(t, "", "b")
	wantErr(t, "DropWaiting of what has ended it", q.DropWaiting(t.Context(), one, "b"), ErrNoMessage)
	wantDueOf(t, q.Subscription(1), "")
	q = open(t, Options{Dir: q.close(t), Subscriptions: named("a", "b")})
	q.wantWaits(t, "2 ready", "gone")
	wantErr(t, "DropWaiting", q.DropWaiting(t.Context(), two), ErrNotConfigured)
	wantDueOf(t, q.Subscription(0), "1")
	wantDueOf(t, q.Subscription(1), "")
	q.wantWaits(t, "1 in_flight, 2 ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, "DropWaiting", q.DropWaiting(ctx, "nothing"), context.Canceled)
}

// TestLateSettlementOfWhatWasTakenAwayChangesNothing: the lease is over, the message was dropped or
// evicted since, and its holder wants to remove it.
func TestLateSettlementOfWhatWasTakenAwayChangesNothing(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, q *Queue, d *Delivery) error{
		"dropped": func(t *testing.T, q *Queue, d *Delivery) error { return q.DropWaiting(t.Context(), d.ID) },
		"evicted": func(t *testing.T, q *Queue, _ *Delivery) error { _, err := q.Drop(t.Context(), ""); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := open(t, Options{Lease: time.Second})
				q.putAll(t, "g", "a")
				d := q.take(t)
				time.Sleep(2 * time.Second)
				if err := take(t, q, d); err != nil {
					t.Fatal(err)
				}
				q.putAll(t, "", "b")
				wantErr(t, "Remove", d.Remove(t.Context()), ErrLeaseLost)
				q.wantUsage(t, 1, 1)
				if c := q.Counts(); c.Messages != 1 || c.Ready != 1 {
					t.Errorf("counts = %+v, want b", c)
				}
				_ = q.Close()
			})
		})
	}
}

// TestPageIsBounded: a call that finds nothing looks at no more than 10,000 messages and says where to
// go on.
func TestPageIsBounded(t *testing.T) {
	q := open(t, Options{})
	q.fill(t, 10_100)
	list, next, err := q.Waiting(0, 10, []State{Delayed})
	if err != nil || len(list) != 0 || next != 10_000 {
		t.Errorf("Waiting = %+v, %d, %v; want nothing, and 10,000 to go on after", list, next, err)
	}
	if list, next, err = q.Waiting(next, 10, []State{Delayed}); err != nil || len(list) != 0 || next != 0 {
		t.Errorf("Waiting = %+v, %d, %v; want the end", list, next, err)
	}
}
