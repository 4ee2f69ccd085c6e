package queue

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/filecheck"
	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/subscription"
)

// named are subscriptions of these names.
func named(names ...string) (all []SubscriptionOptions) {
	for _, name := range names {
		all = append(all, SubscriptionOptions{Name: name, Pattern: "/"})
	}
	return all
}

// to is the set of the subscriptions with these numbers.
func to(numbers ...int) (set uint64) {
	for _, n := range numbers {
		set |= 1 << n
	}
	return set
}

// takeNOf is Queue.takeN of one subscription.
func takeNOf(t *testing.T, s *Subscription, n int) []*Delivery {
	t.Helper()
	var batch []*Delivery
	for len(batch) < n {
		more, err := s.Receive(t.Context(), n-len(batch))
		if err != nil {
			t.Fatalf("Receive = %v, with %d of %d taken", err, len(batch), n)
		}
		batch = append(batch, more...)
	}
	return batch
}

// wantDueOf fails unless these bodies are due for s, in this order, and nothing else. They stay under
// their leases.
func wantDueOf(t *testing.T, s *Subscription, want string) []*Delivery {
	t.Helper()
	var batch []*Delivery
	for more := dueOf(t, s); len(more) > 0; more = dueOf(t, s) {
		batch = append(batch, more...)
	}
	if got := bodies(batch); got != want {
		t.Errorf("%s is handed %q, want %q", s.Name(), got, want)
	}
	return batch
}

func (q *Queue) wantUsage(t *testing.T, messages int, bytes int64) {
	t.Helper()
	if m, b := q.Usage(); m != messages || b != bytes {
		t.Errorf("the file holds %d messages of %d bytes, want %d of %d", m, b, messages, bytes)
	}
}

func (q *Queue) close(t *testing.T) string {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return q.options.Dir
}

func TestMessageGoesToThoseItIsForAndIsStoredOnce(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a", "b", "c")})
	q.mustPut(t, Entry{Body: []byte("all")})
	q.mustPut(t, Entry{Body: []byte("ab"), To: to(0, 1)})
	q.mustPut(t, Entry{Body: []byte("c"), To: to(2)})
	q.wantUsage(t, 3, 6)
	a := wantDueOf(t, q.Subscription(0), "all ab")
	b := wantDueOf(t, q.Subscription(1), "all ab")
	c := wantDueOf(t, q.Subscription(2), "all c")
	q.remove(t, a...)
	q.remove(t, b...)
	q.wantUsage(t, 2, 4) // ab is gone, c has its own and all
	q.remove(t, c...)
	q.wantUsage(t, 0, 0)
	again := open(t, Options{Dir: q.close(t), Subscriptions: named("a", "b", "c")})
	for _, bucket := range []record.Bucket{record.Plain, record.Ends, record.States} {
		if left := again.keysIn(bucket); left != 0 {
			t.Errorf("%d keys are left in %s", left, bucket.Name())
		}
	}
}

func TestWhoHasEndedAMessageDoesNotGetItAfterARestart(t *testing.T) {
	o := Options{Subscriptions: named("a", "b")}
	q := open(t, o)
	q.putAll(t, "", "1 2")
	q.putAll(t, "g", "3 4")
	q.remove(t, takeNOf(t, q.Subscription(0), 3)...) // 1 2 3
	q.remove(t, takeNOf(t, q.Subscription(1), 1)...) // 1
	q.putAll(t, "", "5")
	o.Dir = q.killed(t)
	q = open(t, o)
	if a, b := q.Subscription(0).Counts().Messages, q.Subscription(1).Counts().Messages; a != 2 || b != 4 {
		t.Errorf("a has %d messages and b %d, want 2 and 4", a, b)
	}
	wantDueOf(t, q.Subscription(0), "4 5") // and not 1 and 2, which lie before 5 in the file
	q.remove(t, wantDueOf(t, q.Subscription(1), "2 3 5")...)
	wantDueOf(t, q.Subscription(1), "4")
}

func TestSubscriptionsDoNotShareWhatBecomesOfAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Subscriptions: []SubscriptionOptions{{Name: "a", Lease: time.Second}, {Name: "b", Lease: time.Hour}}})
		a, b := q.Subscription(0), q.Subscription(1)
		q.putAll(t, "g", "1 2")
		d := wantDueOf(t, b, "1")[0]
		for range 3 { // a's leases end; b's does not
			wantDueOf(t, a, "1")
			time.Sleep(1100 * time.Millisecond)
		}
		if got := takeNOf(t, a, 1)[0]; got.ReceiveCount != 4 || !got.Unsettled {
			t.Errorf("a's receive count is %d, unsettled %v; want 4, true", got.ReceiveCount, got.Unsettled)
		} else if err := got.DeadLetter(t.Context(), Reason{Text: "no"}); err != nil {
			t.Fatal(err)
		}
		if err := d.GiveBack(t.Context(), Retry{}); err != nil {
			t.Fatal(err)
		}
		if got := takeNOf(t, b, 1)[0]; got.ReceiveCount != 2 || got.Deferrals != 1 || got.Unsettled {
			t.Errorf("b's hand-out is %+v, want the second after a deferral", got)
		} else {
			q.remove(t, got)
		}
		wantDueOf(t, a, "2")
		wantDueOf(t, b, "2")
		if ca, cb := a.Counts(), b.Counts(); ca.DeadMessages != 1 || cb.DeadMessages != 0 || ca.Messages != 1 || cb.Messages != 1 {
			t.Errorf("counts = %+v and %+v", ca, cb)
		}
		o := q.options
		o.Dir = q.close(t)
		again := open(t, o)
		if ca, cb := again.Subscription(0).Counts(), again.Subscription(1).Counts(); ca.DeadMessages != 1 || cb.DeadMessages != 0 {
			t.Errorf("after a restart, dead letters = %d and %d; want 1 and 0", ca.DeadMessages, cb.DeadMessages)
		}
		if n, err := again.DropDeadLetters(t.Context()); n != 1 || err != nil {
			t.Errorf("DropDeadLetters = %d, %v", n, err)
		}
	})
}

func TestNewSubscriptionGetsWhatIsStoredFromThenOn(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a")})
	q.putAll(t, "", "old")
	q = open(t, Options{Dir: q.close(t), Subscriptions: named("a", "b")})
	q.putAll(t, "", "new")
	wantDueOf(t, q.Subscription(0), "old new")
	wantDueOf(t, q.Subscription(1), "new")
}

// TestFirstRouteAndNoRoutesAreOne follows one file through a change to routes and back.
func TestFirstRouteAndNoRoutesAreOne(t *testing.T) {
	q := open(t, Options{Subscriptions: named("")})
	q.putAll(t, "", "1")
	q = open(t, Options{Dir: q.close(t), Subscriptions: named("orders", "mail")})
	q.putAll(t, "", "2")
	wantDueOf(t, q.Subscription(0), "1 2")
	q = open(t, Options{Dir: q.close(t), Subscriptions: named("")})
	q.putAll(t, "", "3")
	wantDueOf(t, q.Subscription(0), "1 2 3")
	if l := q.List(); len(l) != 2 || l[1].Name != "mail" || l[1].State != "removed" || l[1].Waiting != 1 {
		t.Errorf("List = %+v", l)
	}
}

func TestRemovedSubscriptionIsFoundByARollback(t *testing.T) {
	both := Options{Subscriptions: named("a", "b"), RemovedKeep: time.Hour}
	one := Options{Subscriptions: named("a"), RemovedKeep: time.Hour}
	synctest.Test(t, func(t *testing.T) {
		q := open(t, both)
		q.putAll(t, "", "1")
		one.Dir = q.close(t)
		q = open(t, one)
		q.putAll(t, "", "2")
		q.remove(t, wantDueOf(t, q.Subscription(0), "1 2")...)
		time.Sleep(30 * time.Minute)
		q.wantUsage(t, 1, 1) // b's
		both.Dir = q.close(t)
		q = open(t, both)
		wantDueOf(t, q.Subscription(1), "1")
		_ = q.Close()
	})
}

func TestRemovedSubscriptionIsDroppedAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Subscriptions: named("a", "b")})
		q.putAll(t, "", "1 2 3")
		q.putAll(t, "g", "4 5")
		if err := takeNOf(t, q.Subscription(1), 1)[0].DeadLetter(t.Context(), Reason{}); err != nil {
			t.Fatal(err)
		}
		if err := takeNOf(t, q.Subscription(1), 1)[0].GiveBack(t.Context(), Retry{Delay: time.Hour, Failed: true}); err != nil {
			t.Fatal(err)
		}
		q.remove(t, takeNOf(t, q.Subscription(0), 2)...)
		var e events
		o := Options{Dir: q.close(t), Subscriptions: named("a"), RemovedKeep: 24 * time.Hour, Report: e.report}
		for range 2 { // the clock goes on over a restart
			q = open(t, o)
			time.Sleep(11 * time.Hour)
			q.close(t)
		}
		q = open(t, o)
		q.wantUsage(t, 4, 4+2*2*record.IndexCost)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		q.wantUsage(t, 3, 3+2*2*record.IndexCost)
		if l := q.List(); len(l) != 1 || e.count(SubscriptionDropped) != 1 || !strings.Contains(e.all[0], "4 messages and 1 dead letters") || q.RemovedDropped() != 4 {
			t.Errorf("List = %+v; reported %v, counted %d", l, e.all, q.RemovedDropped())
		}
		if dead, states := q.keysIn(record.Dead), q.keysIn(record.States); dead != 0 || states != 0 {
			t.Errorf("left of it: %d dead letters, %d states", dead, states)
		}
		q.remove(t, wantDueOf(t, q.Subscription(0), "3 4")...)
		q.remove(t, wantDueOf(t, q.Subscription(0), "5")...)
		q.wantUsage(t, 0, 0)
		_ = q.Close()
	})
}

func TestDropStopsHalfWayAndGoesOnAtTheNextStart(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a", "b")})
	q.putAll(t, "", "1 2")
	q.remove(t, takeNOf(t, q.Subscription(0), 2)...)
	dir := q.close(t)
	change(t, dir, func(tx *bbolt.Tx) error {
		table := []record.Subscription{{Name: "a", Pattern: "/", First: true}, {Slot: 1, Name: "b", Pattern: "/", State: record.Dropping}}
		return record.PutTable(tx, table)
	})
	q = open(t, Options{Dir: dir, Subscriptions: named("a", "b")}) // b is another one
	q.putAll(t, "", "3")
	q.wantUsage(t, 1, 1)
	wantDueOf(t, q.Subscription(1), "3")
	if slots := q.set.Slots(to(1)); slots != 1<<2 {
		t.Errorf("the new b has the slots %b, want slot 2", slots)
	}
}

func TestDropSaysWhatIsGone(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a", "b", "c")})
	q.putAll(t, "", "1 2 3 4")
	q.putAll(t, "g", "5 6")
	if err := takeNOf(t, q.Subscription(1), 1)[0].DeadLetter(t.Context(), Reason{}); err != nil {
		t.Fatal(err)
	}
	q = reopen(t, q, Options{Subscriptions: named("a", "b")})
	inFlight := takeNOf(t, q.Subscription(1), 1)
	if d, err := q.Drop(t.Context(), "b"); err != nil || d != (Dropped{Messages: 4, Dead: 1}) {
		t.Errorf("Drop of one that is configured = %+v, %v; want four messages and a dead letter", d, err)
	}
	q.remove(t, inFlight...)
	wantDueOf(t, q.Subscription(1), "")
	if d, err := q.Drop(t.Context(), "c"); err != nil || d != (Dropped{Messages: 6, Ended: true}) {
		t.Errorf("Drop of one that is not = %+v, %v; want six messages, and its end", d, err)
	}
	q.putAll(t, "", "7")
	wantDueOf(t, q.Subscription(1), "7")
	wantDueOf(t, q.Subscription(0), "1 2 3 4 5 7")
	if l := q.List(); len(l) != 2 {
		t.Errorf("List = %+v", l)
	}
	_, err := q.Drop(t.Context(), "c")
	wantErr(t, "Drop of one that is gone", err, ErrNoSubscription)
}

func reopen(t *testing.T, q *Queue, o Options) *Queue {
	t.Helper()
	o.Dir = q.close(t)
	return open(t, o)
}

func TestDamagedMessageIsSetAsideOnceForAll(t *testing.T) {
	var e events
	q := open(t, Options{Subscriptions: named("a", "b", "c"), Report: e.report})
	q.mustPut(t, Entry{Body: []byte("damaged")})
	q.putAll(t, "", "good")
	q.mustPut(t, Entry{Body: []byte("damaged"), Group: "g"})
	q.putAll(t, "g", "next")
	dir := q.close(t)
	change(t, dir, func(tx *bbolt.Tx) error {
		for _, b := range []record.Bucket{record.Plain, record.Indexed} {
			bucket := tx.Bucket([]byte(b.Name()))
			k, v := bucket.Cursor().First()
			bad := slices.Clone(v)
			bad[len(bad)-1] ^= 1
			if err := bucket.Put(slices.Clone(k), bad); err != nil {
				return err
			}
		}
		return nil
	})
	q = open(t, Options{Dir: dir, Subscriptions: named("a", "b", "c"), Report: e.report})
	for range 2 {
		for i := range 3 {
			batch := takeNOf(t, q.Subscription(i), 2)
			if got := bodies(batch); got != "good next" && got != "next good" {
				t.Errorf("subscription %d is handed %s", i, got)
			}
			for _, d := range batch {
				if err := d.GiveBack(t.Context(), Retry{}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i := range 3 {
		if c := q.Subscription(i).Counts(); c.Messages != 2 || c.SetAside != 2 {
			t.Errorf("subscription %d: %+v, want two messages and two set aside", i, c)
		}
	}
	if messages, _ := q.Usage(); messages != 2 || e.count(ValueSetAside) != 2 {
		t.Errorf("%d messages; reported %v", messages, e.all)
	}
}

// TestDamageThatTwoFindAtOnceIsReportedOnce: both have read the message before it is set aside.
func TestDamageThatTwoFindAtOnceIsReportedOnce(t *testing.T) {
	var e events
	q := open(t, Options{Subscriptions: named("a", "b")})
	q.putAll(t, "", "damaged")
	dir := q.close(t)
	change(t, dir, func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte("plain"))
		k, v := bucket.Cursor().First()
		bad := slices.Clone(v)
		bad[len(bad)-1] ^= 1
		return bucket.Put(slices.Clone(k), bad)
	})
	gate := make(chan struct{})
	q = open(t, Options{Dir: dir, Subscriptions: named("a", "b"), Report: e.report, commit: func(tx *bbolt.Tx) error {
		<-gate
		return tx.Commit()
	}})
	for i := range 2 {
		wantDueOf(t, q.Subscription(i), "")
	}
	close(gate)
	q.putAll(t, "", "after")
	q.putAll(t, "", "that")
	if c := q.Subscription(1).Counts(); c.SetAside != 1 || c.Messages != 2 || q.Subscription(0).Counts().Messages != 2 || e.count(ValueSetAside) != 1 {
		t.Errorf("counts = %+v; reported %v", c, e.all)
	}
}

// TestOnlySubscriptionLeavesAFileAsBefore: a release that knows of no subscriptions reads it.
func TestOnlySubscriptionLeavesAFileAsBefore(t *testing.T) {
	for name, steps := range map[string][][]string{
		"no routes":                   {{""}},
		"one route":                   {{"orders"}},
		"a second one was there once": {{"orders", "mail"}, {"orders"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, names := range steps {
				q := open(t, Options{Dir: dir, Subscriptions: named(names...)})
				q.putAll(t, "", "1 2 3")
				q.putAll(t, "g", "4")
				for _, s := range q.set.Configured() {
					q.remove(t, takeNOf(t, s, 3)...)
					if err := takeNOf(t, s, 1)[0].DeadLetter(t.Context(), Reason{}); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := q.DropDeadLetters(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, l := range q.List() {
					if l.State == "removed" {
						if _, err := q.Drop(t.Context(), l.Name); err != nil {
							t.Fatal(err)
						}
					}
				}
				q.putAll(t, "", "5")
				for _, s := range q.set.Configured()[1:] {
					q.remove(t, takeNOf(t, s, 1)...)
				}
				if len(q.set.Configured()) > 1 { // what both were to get
					q.remove(t, takeNOf(t, q.Subscription(0), 1)...)
				}
				q.close(t)
			}
			open(t, Options{Dir: dir}).close(t) // a start with nothing left of others
			wantAsBefore(t, dir)
		})
	}
}

// wantAsBefore fails unless the file has the eight buckets, the keys and the versions that the
// releases without subscriptions know.
func wantAsBefore(t *testing.T, dir string) {
	t.Helper()
	change(t, dir, func(tx *bbolt.Tx) error {
		var names []string
		err := tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			names = append(names, string(name))
			return b.ForEach(func(k, v []byte) error {
				if (string(name) == "plain" || string(name) == "state" || string(name) == "dead") && len(k) != 8 || v[4] != 1 && string(name) != "expiry" {
					t.Errorf("bucket %s: key %x, version %d", name, k, v[4])
				}
				if string(k) == "counts" && len(v) != 5+8+8*8 {
					t.Errorf("the counts are %d bytes", len(v))
				}
				return nil
			})
		})
		if got := strings.Join(names, " "); got != "aside dead expiry indexed keys meta plain state" {
			t.Errorf("buckets = %s", got)
		}
		return err
	})
}

// TestSeveralSubscriptionsAreRefusedByReleasesWithoutThem: they find a bucket that they do not know,
// and set the file aside as a whole.
func TestSeveralSubscriptionsAreRefusedByReleasesWithoutThem(t *testing.T) {
	for name, names := range map[string][][]string{
		"two":                           {{"a", "b"}},
		"one, and one that was removed": {{"a", "b"}, {"b"}},
		"one that has not slot 0":       {{"a", "b"}, {"b"}, {"b"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, n := range names {
				q := open(t, Options{Dir: dir, Subscriptions: named(n...)})
				if i == 1 && len(names) == 3 {
					if _, err := q.Drop(t.Context(), "a"); err != nil {
						t.Fatal(err)
					}
				}
				q.close(t)
			}
			change(t, dir, func(tx *bbolt.Tx) error {
				if tx.Bucket([]byte("ends")) == nil {
					t.Error("there is no bucket ends")
				}
				return nil
			})
		})
	}
}

// TestFileOfTheReleaseBeforeIsTakenOver opens a file that the code before subscriptions has written:
// eight messages, of which one was removed, one is a dead letter and one was given back.
func TestFileOfTheReleaseBeforeIsTakenOver(t *testing.T) {
	for name, o := range map[string]Options{
		"without routes": {Subscriptions: named("")}, "with routes": {Subscriptions: named("orders", "mail")},
	} {
		t.Run(name, func(t *testing.T) {
			o.Dir = t.TempDir()
			unpack(t, "testdata/one-subscription.db.gz", filepath.Join(o.Dir, queuefile.Name))
			var e events
			o.Report = e.report
			q := open(t, o)
			s := q.Subscription(0)
			batch := wantDueOf(t, s, "plain 2 plain 3 plain 4 plain 5 g1")
			if batch[0].ReceiveCount != 2 || batch[1].ReceiveCount != 1 {
				t.Errorf("receive counts = %d, %d; want 2, 1", batch[0].ReceiveCount, batch[1].ReceiveCount)
			}
			if c := s.Counts(); c.DeadMessages != 1 || c.Messages != 6 || len(e.all) > 0 {
				t.Errorf("counts = %+v; reported %v", c, e.all)
			}
			q.remove(t, batch...)
			q.remove(t, wantDueOf(t, s, "g2")...)
			dir := q.close(t)
			if len(o.Subscriptions) == 1 {
				wantAsBefore(t, dir)
			}
		})
	}
}

func unpack(t *testing.T, from, path string) {
	t.Helper()
	f, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSalvageKeepsWhoGetsWhat(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a", "b", "c")})
	q.putAll(t, "", "1 2")
	q.mustPut(t, Entry{Body: []byte("c"), To: to(2)})
	q.remove(t, takeNOf(t, q.Subscription(0), 1)...)
	if err := takeNOf(t, q.Subscription(1), 1)[0].DeadLetter(t.Context(), Reason{}); err != nil {
		t.Fatal(err)
	}
	dir := q.close(t)
	for name, c := range map[string]struct {
		names  []string
		damage func(tx *bbolt.Tx) error
	}{
		"a sound file": {[]string{"a", "b", "c"}, func(*bbolt.Tx) error { return nil }},
		"the names are lost": {[]string{"", "recovered-1", "recovered-2"}, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte(record.FormatKey), []byte("nonsense"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			copied, to := t.TempDir(), t.TempDir()
			data, err := os.ReadFile(filepath.Join(dir, queuefile.Name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(copied, queuefile.Name), data, 0o600); err != nil {
				t.Fatal(err)
			}
			change(t, copied, c.damage)
			f, size, err := queuefile.OpenToRead(filepath.Join(copied, queuefile.Name))
			if err != nil {
				t.Fatal(err)
			}
			_, err = filecheck.Salvage(f, size, filepath.Join(to, queuefile.Name))
			if _ = f.Close(); err != nil {
				t.Fatal(err)
			}
			q := open(t, Options{Dir: to, Subscriptions: named(c.names...)})
			wantDueOf(t, q.Subscription(0), "2")
			wantDueOf(t, q.Subscription(1), "2")
			wantDueOf(t, q.Subscription(2), "1 2 c")
			if dead := q.Subscription(1).Counts().DeadMessages; dead != 1 {
				t.Errorf("%d dead letters, want 1", dead)
			}
		})
	}
}

func TestManyMessagesOfOthersArePassedOver(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a", "b")})
	var waits []*subscription.Batch
	put := func(body string, set uint64) {
		e := Entry{Body: []byte(body), To: set}
		b, err := q.admit(q.newPut(e), &e)
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, b)
	}
	put("first", to(1))
	const between = 20_100 // more than is passed over in two reads
	for i := range between {
		put(fmt.Sprint(i), to(0))
	}
	put("last", to(1))
	for _, b := range waits {
		if err := q.set.Wait(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	q = reopen(t, q, Options{Subscriptions: named("a", "b")})
	wantDueOf(t, q.Subscription(1), "first last")
	if oldest := q.Subscription(0).Counts().Oldest; oldest.IsZero() {
		t.Error("the oldest of a is not known")
	}
	q = reopen(t, q, Options{Subscriptions: named("b")})
	if d, err := q.Drop(t.Context(), "a"); err != nil || d.Messages != between {
		t.Errorf("Drop = %+v, %v", d, err)
	}
	q.wantUsage(t, 2, int64(len("firstlast"))) // removed in many commits
}
