package queue

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
)

// bury makes a dead letter of each body.
func (q *Queue) bury(t *testing.T, bodies string) {
	t.Helper()
	q.putAll(t, "", bodies)
	for range strings.Fields(bodies) {
		if err := q.take(t).DeadLetter(t.Context(), Reason{Text: "no"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRejectedMessageStaysWhenDeadLettersAreFull(t *testing.T) {
	for name, o := range map[string]Options{
		"messages": {MaxDeadMessages: 2}, "bytes": {MaxDeadBytes: 5}, "bytes, put by an earlier process": {MaxDeadBytes: 5},
	} {
		t.Run(name, func(t *testing.T) {
			q := open(t, o)
			q.bury(t, "aa bb")
			if strings.Contains(name, "earlier") {
				o.Dir = q.killed(t)
				q = open(t, o)
			}
			q.putAll(t, "", "cc")
			d := q.take(t)
			wantErr(t, "DeadLetter", d.DeadLetter(t.Context(), Reason{}), ErrFull)
			if err := d.GiveBack(t.Context(), Retry{}); err != nil { // the lease goes on
				t.Fatal(err)
			}
			if c := q.Counts(); c.Messages != 1 || c.DeadMessages != 2 || c.DeadBytes != 4 || c.Bytes != 2 {
				t.Errorf("counts = %+v, want one message and two dead letters", c)
			}
		})
	}
}

func TestOldestDeadLettersMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e events
		q := open(t, Options{MaxDeadMessages: 3, MaxDeadBytes: 1000, DeadFull: DropOldest, Report: e.report})
		q.bury(t, "a b c d e")
		if c := q.Counts(); c.DeadMessages != 3 || c.DeadDropped != 2 || c.DeadBytes != 3 {
			t.Errorf("counts = %+v, want three kept and two dropped", c)
		}
		var kept []string
		_ = q.set.View(func(b store.Buckets) error {
			return b[record.Dead].ForEach(func(_, v []byte) error {
				_, _, m, _ := record.DecodeDeadLetter(v)
				kept = append(kept, string(m.Body))
				return nil
			})
		})
		if strings.Join(kept, " ") != "c d e" {
			t.Errorf("kept %v, want the youngest", kept)
		}
		time.Sleep(11 * time.Second)
		if e.count(DeadLetterDropped) != 1 || !strings.Contains(e.all[0], "2 of the oldest") {
			t.Errorf("reported %v, want one line about two", e.all)
		}
	})
}

func TestDeadLettersDoNotCountInTheQueuesOwnQuota(t *testing.T) {
	q := open(t, Options{MaxMessages: 1, MaxBytes: 2})
	q.bury(t, "aa")
	q.bury(t, "bb")
	if messages, bytes := q.Usage(); messages != 0 || bytes != 0 {
		t.Errorf("usage %d, %d with nothing but dead letters", messages, bytes)
	}
}

func TestDeadLettersAreDropped(t *testing.T) {
	q := open(t, Options{})
	q.bury(t, "a b c")
	q.putAll(t, "", "kept")
	if n, err := q.DropDeadLetters(t.Context()); err != nil || n != 3 {
		t.Errorf("DropDeadLetters = %d, %v; want 3", n, err)
	}
	again := open(t, Options{Dir: q.killed(t)})
	for _, q := range []*Queue{q, again} {
		if c := q.Counts(); c.DeadMessages != 0 || c.DeadBytes != 0 || c.Messages != 1 {
			t.Errorf("counts = %+v, want the message alone", c)
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{MaxKeys: 2})
		for _, key := range []string{"a", "b"} {
			q.mustPut(t, Entry{Key: key})
		}
		_, err := q.Put(t.Context(), Entry{Key: "c"})
		wantErr(t, "Put of a third key", err, ErrKeysFull)
		wantErr(t, "Put of a third key", err, ErrFull)
		q.mustPut(t, Entry{Key: "a"})
		q.mustPut(t, Entry{Body: []byte("without a key")})
		time.Sleep(11 * time.Minute)
		q.mustPut(t, Entry{Key: "c"})
	})
}

// keys is how many idempotency keys q remembers.
func (q *Queue) keys(t *testing.T) int {
	t.Helper()
	return (q.keysIn(record.Keys) + q.keysIn(record.Expiry)) / 2
}

// keysIn is how many keys a bucket of the file has.
func (q *Queue) keysIn(bucket record.Bucket) (n int) {
	_ = q.set.View(func(b store.Buckets) error {
		n = b[bucket].Stats().KeyN
		return nil
	})
	return n
}

func TestKeysAreForgottenWhileNothingIsPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{MaxMessages: 300, commit: func(tx *bbolt.Tx) error {
			tx.DB().NoSync = true
			return tx.Commit()
		}})
		for i := range 300 {
			q.mustPut(t, Entry{Key: fmt.Sprint(i)})
		}
		dir := q.killed(t)
		_, err := q.Put(t.Context(), Entry{Key: "refused"})
		wantErr(t, "Put", err, ErrFull)
		if n := q.keys(t); n != 300 {
			t.Fatalf("%d keys", n)
		}
		time.Sleep(11 * time.Minute)
		if n := q.keys(t); n != 0 {
			t.Errorf("%d keys are left while puts are refused", n)
		}
		again := open(t, Options{Dir: dir})
		time.Sleep(time.Second)
		if n := again.keys(t); n != 0 {
			t.Errorf("%d keys are left a second after a start", n)
		}
	})
}

func TestMessageWithAGroupOrADelayCostsItsMemory(t *testing.T) {
	for name, e := range map[string]Entry{"group": {Group: "g"}, "delay": {Delay: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			q := open(t, Options{MaxBytes: 2 * record.IndexCost})
			q.mustPut(t, e)
			q.mustPut(t, e)
			_, err := q.Put(t.Context(), e)
			wantErr(t, "Put of a third", err, ErrFull)
			again := open(t, Options{Dir: q.killed(t)})
			if _, bytes := again.Usage(); bytes != 2*record.IndexCost {
				t.Errorf("%d bytes after a restart", bytes)
			}
		})
	}
}

func TestDelayIsAtMostTwelveHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: 100 * time.Hour})
		q.putAll(t, "", "a")
		if err := q.take(t).GiveBack(t.Context(), Retry{Delay: 57 * 365 * 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		q.take(t)
		if waited := time.Since(start); waited != 12*time.Hour {
			t.Errorf("came back after %v, want 12h", waited)
		}
	})
}

func TestDelayOfAnEarlierCarrierIsAtMostTwelveHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Lease: time.Hour})
		q.putAll(t, "", "a")
		q.putAll(t, "g", "b")
		dir := q.killed(t)
		change(t, dir, func(tx *bbolt.Tx) error {
			s := record.State{Count: 1, Due: time.Now().Add(57 * 365 * 24 * time.Hour).UnixNano()}
			b := store.Of(tx)[record.States]
			if err := b.Put(record.SeqKey(1), s.Encode()); err != nil {
				return err
			}
			return b.Put(record.SeqKey(2), s.Encode())
		})
		again := open(t, Options{Dir: dir, Lease: time.Hour})
		start := time.Now()
		again.takeN(t, 2)
		if waited := time.Since(start); waited != 12*time.Hour {
			t.Errorf("came back after %v, want 12h", waited)
		}
	})
}

func TestMessageIsDueWhenItIsTooOld(t *testing.T) {
	const timeout = time.Hour
	for name, c := range map[string]struct {
		entry Entry
		own   time.Duration // the message's own timeout
		want  time.Duration
	}{
		"stored now":                    {Entry{}, 0, timeout},
		"with a shorter one of its own": {Entry{}, time.Minute, time.Minute},
		"with a longer one of its own":  {Entry{}, 3 * time.Hour, 3 * time.Hour},
		// Its age counts from when it is due.
		"delayed": {Entry{Delay: 30 * time.Minute}, 0, timeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := open(t, Options{MessageTimeout: timeout, Lease: 100 * time.Hour})
				q.mustPut(t, c.entry)
				d := q.take(t)
				start := time.Now()
				if err := d.GiveBack(t.Context(), Retry{Delay: 10 * time.Hour, Timeout: c.own}); err != nil {
					t.Fatal(err)
				}
				d = q.take(t)
				if waited := time.Since(start); waited < c.want || waited > c.want+time.Second {
					t.Errorf("came back after %v, want %v", waited, c.want)
				}
				// What is too old already waits, or there would be no pause between two tries.
				start = time.Now()
				if err := d.GiveBack(t.Context(), Retry{Delay: 10 * time.Hour, Timeout: c.own}); err != nil {
					t.Fatal(err)
				}
				q.take(t)
				if waited := time.Since(start); waited != 10*time.Hour {
					t.Errorf("came back after %v, want 10h", waited)
				}
			})
		})
	}
}
