package queue

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

func TestMessageArrivesWhole(t *testing.T) {
	q := open(t, Options{})
	before := time.Now()
	id := q.mustPut(t, Entry{Group: "g", Head: []byte("head"), Body: []byte("body")})
	d := q.take(t)
	if d.ID != id || len(id) != 32 || d.Group != "g" || string(d.Head) != "head" || string(d.Body) != "body" {
		t.Errorf("delivery = %+v, want what was put under id %s", d, id)
	}
	if d.ReceiveCount != 1 || d.Stored.Before(before.Truncate(0)) || d.FirstReceived.Before(d.Stored) || !d.Expires.After(time.Now()) {
		t.Errorf("count %d, stored %v, first %v, expires %v", d.ReceiveCount, d.Stored, d.FirstReceived, d.Expires)
	}
	if again := q.mustPut(t, Entry{Body: []byte("body")}); again == id {
		t.Error("two messages have one id")
	}
}

func TestOldestIsFirst(t *testing.T) {
	q := open(t, Options{})
	var want []string
	for i := range 2*schedule.AheadMax + 10 { // more than is held in memory
		want = append(want, fmt.Sprint(i))
	}
	ctx := t.Context()
	var wg sync.WaitGroup
	for _, body := range want { // one after the other into the queue, together to the disk
		e := Entry{Body: []byte(body)}
		b, err := q.admit(q.newPut(e), &e)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { _ = q.set.Wait(ctx, b) })
	}
	wg.Wait()
	if got := bodies(q.takeN(t, len(want))); got != strings.Join(want, " ") {
		t.Errorf("order = %s", got)
	}
	q.none(t)
	if info, err := os.Stat(filepath.Join(q.options.Dir, queuefile.Name)); err != nil || info.Size() > 4<<20 {
		t.Errorf("%d bytes for a thousand small messages (%v)", info.Size(), err)
	}
}

func TestReceiveWaitsForAMessage(t *testing.T) {
	q := open(t, Options{})
	got := make(chan *Delivery, 1)
	go func() { got <- q.take(t) }()
	q.mustPut(t, Entry{Body: []byte("a")})
	if d := <-got; string(d.Body) != "a" {
		t.Errorf("received %s", d.Body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := q.Receive(ctx, 1)
		ended <- err
	}()
	cancel()
	wantErr(t, "Receive", <-ended, context.Canceled)
}

func TestLeaseThatEndsGivesTheMessageBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: 10 * time.Second})
		q.mustPut(t, Entry{Body: []byte("a")})
		first := q.take(t)
		time.Sleep(9 * time.Second)
		if until, err := first.Extend(); err != nil || !until.Equal(time.Now().Add(10*time.Second)) {
			t.Fatalf("Extend = %v, %v", until, err)
		}
		time.Sleep(9 * time.Second)
		q.none(t)
		again := q.take(t)
		if again.ID != first.ID || again.ReceiveCount != 2 || !again.FirstReceived.Equal(first.FirstReceived) {
			t.Errorf("again = %+v, want the second hand-out of %s", again, first.ID)
		}
		_, err := first.Extend()
		wantErr(t, "Extend of the lost lease", err, ErrLeaseLost)
		wantErr(t, "Remove of the lost lease", first.Remove(t.Context()), ErrLeaseLost)
		wantErr(t, "GiveBack of the lost lease", first.GiveBack(t.Context(), Retry{Delay: 0}), ErrLeaseLost)
		wantErr(t, "DeadLetter of the lost lease", first.DeadLetter(t.Context(), Reason{}), ErrLeaseLost)
		q.remove(t, again)
	})
}

func TestDeliveredMessageIsRemovedAfterItsLeaseIfNobodyHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: time.Second})
		q.mustPut(t, Entry{Body: []byte("a")})
		d := q.take(t)
		time.Sleep(2 * time.Second)
		wantErr(t, "GiveBack", d.GiveBack(t.Context(), Retry{Delay: 0}), ErrLeaseLost)
		_, err := d.Extend()
		wantErr(t, "Extend", err, ErrLeaseLost)
		q.remove(t, d)
		q.none(t)
		q.remove(t, d) // asked again after an error, it is the same answer
		if s := q.Counts(); s.Messages != 0 || s.Bytes != 0 || s.InFlight != 0 {
			t.Errorf("stats = %+v, want nothing", s)
		}
	})
}

func TestMessageGivenBackIsDueAfterItsDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: time.Hour})
		q.putAll(t, "", "a b")
		a := q.take(t)
		if err := a.GiveBack(t.Context(), Retry{Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if b := q.take(t); string(b.Body) != "b" {
			t.Errorf("received %s while a is delayed", b.Body)
		}
		start := time.Now()
		again := q.take(t)
		if waited := time.Since(start); waited != time.Minute || again.ReceiveCount != 2 {
			t.Errorf("came back after %v with count %d, want 1m and 2", waited, again.ReceiveCount)
		}
		if err := again.GiveBack(t.Context(), Retry{Delay: 0}); err != nil {
			t.Fatal(err)
		}
		if third := q.take(t); third.ReceiveCount != 3 {
			t.Errorf("count = %d, want 3", third.ReceiveCount)
		}
	})
}

func TestDelayedMessageIsDueInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{})
		start := time.Now()
		for _, seconds := range []int{30, 10, 20} {
			q.mustPut(t, Entry{Delay: time.Duration(seconds) * time.Second, Body: fmt.Append(nil, seconds)})
		}
		for _, want := range []string{"10", "20", "30"} {
			d := q.take(t)
			if at := fmt.Sprint(int(time.Since(start).Seconds())); string(d.Body) != want || at != want {
				t.Errorf("received %s after %s s, want %s", d.Body, at, want)
			}
		}
	})
}

func TestGroupIsHandedOutOneAtATimeAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: 2 * time.Hour})
		q.putAll(t, "g", "g1 g2 g3")
		q.putAll(t, "", "p1")
		q.putAll(t, "h", "h1 h2")
		batch := q.takeN(t, 3)
		if got := bodies(batch); got != "g1 p1 h1" {
			t.Fatalf("received %s, want the heads and the plain one", got)
		}
		q.none(t)
		if err := batch[0].GiveBack(t.Context(), Retry{Delay: time.Hour}); err != nil {
			t.Fatal(err)
		}
		q.none(t) // a delayed head holds up its group
		q.remove(t, batch[2])
		if d := q.take(t); string(d.Body) != "h2" {
			t.Errorf("received %s, want h2: another group goes on", d.Body)
		}
		for _, want := range []string{"g1", "g2", "g3"} {
			d := q.take(t)
			if string(d.Body) != want {
				t.Errorf("received %s, want %s", d.Body, want)
			}
			q.remove(t, d)
		}
	})
}

func TestDeadLetterIsKeptApart(t *testing.T) {
	q := open(t, Options{MaxMessages: 2})
	q.putAll(t, "g", "a b")
	d := q.take(t)
	why := Reason{Text: "404 from the worker", Status: 404, Attempts: 1}
	if err := d.DeadLetter(t.Context(), why); err != nil {
		t.Fatal(err)
	}
	if next := q.take(t); string(next.Body) != "b" {
		t.Errorf("received %s, want b", next.Body)
	}
	const cost = 1 + record.IndexCost
	if s := q.Counts(); s.Messages != 1 || s.DeadMessages != 1 || s.Bytes != cost || s.DeadBytes != cost {
		t.Errorf("stats = %+v, want one of each", s)
	}
	again := open(t, Options{Dir: q.killed(t)})
	_ = again.set.View(func(b store.Buckets) error {
		_, value := b[record.Dead].Cursor().First()
		reason, _, m, err := record.DecodeDeadLetter(value)
		if err != nil || reason != why || string(m.Body) != "a" || hex.EncodeToString(m.ID[:]) != d.ID {
			t.Errorf("dead letter = %+v, %+v, %v", reason, m, err)
		}
		return nil
	})
	if s := again.Counts(); s.Messages != 1 || s.DeadMessages != 1 {
		t.Errorf("stats after a restart = %+v", s)
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	q := open(t, Options{MaxDeadMessages: 1})
	for range 2 {
		q.putAll(t, "", "a")
		d := q.take(t)
		if err := d.DeadLetter(t.Context(), Reason{}); err != nil {
			wantErr(t, "DeadLetter", err, ErrFull)
			q.remove(t, d) // the lease is still there
			return
		}
	}
	t.Error("a second dead letter was kept where one is the limit")
}

func TestQuotasRefuseWhatIsTooMuch(t *testing.T) {
	cases := map[string]Options{
		"messages": {MaxMessages: 2},
		"bytes":    {MaxBytes: 9},
	}
	for name, o := range cases {
		t.Run(name, func(t *testing.T) {
			q := open(t, o)
			q.putAll(t, "", "aaaa bbbb")
			_, err := q.Put(t.Context(), Entry{Body: []byte("cccc")})
			wantErr(t, "Put", err, ErrFull)
			wantErr(t, "Room", q.HasRoom(4, 0), ErrFull)
			q.remove(t, q.take(t))
			if err := q.HasRoom(4, 0); err != nil {
				t.Errorf("Room = %v after a removal", err)
			}
			q.putAll(t, "", "cccc")
			if got := bodies(q.takeN(t, 2)); got != "bbbb cccc" {
				t.Errorf("received %s", got)
			}
		})
	}
}

func TestSameKeyIsStoredOnce(t *testing.T) {
	q := open(t, Options{MaxMessages: 3})
	id := q.mustPut(t, Entry{Key: "k", Body: []byte("a")})
	var wg sync.WaitGroup
	for range 16 { // more than there is room for, until it is known that they are one
		wg.Go(func() {
			if again, err := q.Put(t.Context(), Entry{Key: "k", Body: []byte("a")}); err != nil || again.ID != id {
				t.Errorf("Put = %+v, %v; want %s", again, err, id)
			}
		})
	}
	wg.Wait()
	if s := q.Counts(); s.Messages != 1 {
		t.Errorf("%d messages, want 1", s.Messages)
	}
	q.putAll(t, "", "b c")
	if got, err := q.Put(t.Context(), Entry{Key: "k", Body: []byte("a")}); err != nil || got.ID != id || !got.Replayed {
		t.Errorf("Put into a full queue = %+v, %v; want the id that the key has", got, err)
	}
	_, err := q.Put(t.Context(), Entry{Key: "other", Body: []byte("a")})
	wantErr(t, "Put of another key into a full queue", err, ErrFull)
	again := open(t, Options{Dir: q.killed(t)})
	if got := again.mustPut(t, Entry{Key: "k", Body: []byte("a")}); got != id {
		t.Errorf("id after a restart = %s, want %s", got, id)
	}
}

func TestSameKeyAtOnceIsStoredOnce(t *testing.T) {
	q := open(t, Options{})
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = q.mustPut(t, Entry{Key: "k", Body: []byte("a")}) })
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("ids = %v, want one", ids)
		}
	}
	if s := q.Counts(); s.Messages != 1 || s.Bytes != 1 {
		t.Errorf("stats = %+v, want one message", s)
	}
}

func TestKeyIsForgottenAfterItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{})
		id := q.mustPut(t, Entry{Key: "k"})
		for i := range 100 {
			q.mustPut(t, Entry{Key: fmt.Sprint(i)})
		}
		time.Sleep(10*time.Minute - time.Second)
		if again := q.mustPut(t, Entry{Key: "k"}); again != id {
			t.Errorf("id = %s before the window is over, want %s", again, id)
		}
		time.Sleep(2 * time.Second)
		fresh := q.mustPut(t, Entry{Key: "k"})
		if fresh == id {
			t.Error("the key is remembered past its window")
		}
		q.mustPut(t, Entry{}) // with two commits the old ones are cleared away
		keys, expiries := 0, 0
		_ = q.set.View(func(b store.Buckets) error {
			keys, expiries = b[record.Keys].Stats().KeyN, b[record.Expiry].Stats().KeyN
			return nil
		})
		if keys != 1 || expiries != 1 {
			t.Errorf("%d keys and %d expiries are kept, want the fresh one", keys, expiries)
		}
		if again := q.mustPut(t, Entry{Key: "k"}); again != fresh {
			t.Errorf("id = %s, want %s: the fresh key went with the old one", again, fresh)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "", "a")
	d := q.take(t)
	ended := make(chan error, 1)
	go func() {
		_, err := q.Receive(context.Background(), 1)
		ended <- err
	}()
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "Receive", <-ended, ErrClosed)
	_, err := q.Put(t.Context(), Entry{})
	wantErr(t, "Put", err, ErrClosed)
	wantErr(t, "Remove", d.Remove(t.Context()), ErrClosed)
	if err := q.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
}
