package queue

import (
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/queue/record"
)

func TestKeyWithAnotherBodyIsRefused(t *testing.T) {
	q := open(t, Options{MaxMessages: 2})
	id := q.mustPut(t, Entry{Key: "k", Body: []byte("a")})
	again, err := q.Put(t.Context(), Entry{Key: "k", Body: []byte("a")})
	if err != nil || again != (Stored{ID: id, Replayed: true}) {
		t.Errorf("Put = %+v, %v; want a replay of %s", again, err, id)
	}
	_, err = q.Put(t.Context(), Entry{Key: "k", Body: []byte("b")})
	wantErr(t, "Put of another body", err, ErrKeyReused)
	q.putAll(t, "", "fills")
	_, err = q.Put(t.Context(), Entry{Key: "k", Body: []byte("b")})
	wantErr(t, "Put of another body into a full queue", err, ErrKeyReused)
	if c := q.Counts(); c.Messages != 2 {
		t.Errorf("%d messages, want 2", c.Messages)
	}
	reopened := open(t, Options{Dir: q.killed(t)})
	_, err = reopened.Put(t.Context(), Entry{Key: "k", Body: []byte("b")})
	wantErr(t, "Put of another body after a restart", err, ErrKeyReused)
}

func TestDeferralsAreToldApartFromFailures(t *testing.T) {
	q := open(t, Options{})
	q.putAll(t, "", "a")
	for i, failed := range []bool{false, true, false} {
		d := q.take(t)
		if want := []int{0, 1, 1}[i]; d.Deferrals != want || d.Unsettled {
			t.Errorf("hand-out %d: %d deferrals, unsettled %v; want %d and false", i+1, d.Deferrals, d.Unsettled, want)
		}
		if err := d.GiveBack(t.Context(), Retry{Failed: failed}); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, Options{Dir: q.killed(t)})
	if d := again.take(t); d.Deferrals != 2 || d.ReceiveCount != 4 || d.Unsettled {
		t.Errorf("after a restart: %d deferrals of %d, unsettled %v; want 2 of 4, settled", d.Deferrals, d.ReceiveCount, d.Unsettled)
	}
}

func TestHandOutWithoutAnOutcomeIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: time.Second})
		q.putAll(t, "", "a")
		if d := q.take(t); d.Unsettled {
			t.Error("the first hand-out has an earlier one")
		}
		q.putAll(t, "", "barrier") // the mark of a is in this commit or an earlier one
		again := open(t, Options{Dir: q.killed(t)})
		if d := again.take(t); !d.Unsettled || string(d.Body) != "a" {
			t.Errorf("%s after a kill: unsettled %v, want true", d.Body, d.Unsettled)
		}
		time.Sleep(2 * time.Second)
		if d := q.take(t); !d.Unsettled || string(d.Body) != "a" {
			t.Errorf("%s after its lease: unsettled %v, want true", d.Body, d.Unsettled)
		}
	})
}

func TestCountsSayWhereMessagesAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{})
		start := time.Now()
		q.mustPut(t, Entry{Body: []byte("late"), Delay: time.Hour})
		if c := q.Counts(); c.Delayed != 1 || c.Ready != 0 || !c.Oldest.IsZero() {
			t.Errorf("counts = %+v, want one delayed and no oldest", c)
		}
		q.putAll(t, "", "a b")
		q.putAll(t, "g", "g1 g2")
		a := q.take(t)
		if err := a.GiveBack(t.Context(), Retry{Delay: time.Minute, Failed: true}); err != nil {
			t.Fatal(err)
		}
		q.take(t)
		want := Counts{Messages: 5, Bytes: 10 + 3*record.IndexCost, Ready: 2, Delayed: 1, BackingOff: 1, InFlight: 1, Oldest: start}
		if c := q.Counts(); c.Ready != want.Ready || c.Delayed != want.Delayed || c.BackingOff != want.BackingOff ||
			c.InFlight != want.InFlight || c.Messages != want.Messages || c.Bytes != want.Bytes || !c.Oldest.Equal(start) {
			t.Errorf("counts = %+v, want %+v", c, want)
		}
		again := open(t, Options{Dir: q.killed(t)})
		if c := again.Counts(); c.Ready != 3 || c.Delayed != 1 || c.BackingOff != 1 || c.InFlight != 0 {
			t.Errorf("counts after a restart = %+v, want 3 ready, one delayed, one backing off", c)
		}
		time.Sleep(2 * time.Hour)
		q.remove(t, q.takeN(t, 1)...)
		if c := q.Counts(); c.Oldest.Before(start) {
			t.Errorf("oldest = %v, before the start", c.Oldest)
		}
	})
}
