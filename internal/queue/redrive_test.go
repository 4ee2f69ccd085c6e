package queue

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"

	"go.etcd.io/bbolt"
)

// letters are the dead letters of q, whose bodies are read.
func (q *Queue) letters(t *testing.T, of ...string) []DeadLetter {
	t.Helper()
	list, err := q.DeadLetters(DeadKey{}, 1000, of...)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range list {
		if list[i], err = q.DeadLetter(l.Key); err != nil || l.BodySize != len(list[i].Body) || l.Body != nil {
			t.Fatalf("DeadLetter(%v) = %+v, %v; listed as %+v", l.Key, list[i], err, l)
		}
	}
	return list
}

func keysOf(letters []DeadLetter) (keys []DeadKey) {
	for _, l := range letters {
		keys = append(keys, l.Key)
	}
	return keys
}

func deadBodies(letters []DeadLetter) string {
	var all []string
	for _, l := range letters {
		all = append(all, string(l.Body))
	}
	return strings.Join(all, " ")
}

// redriveAll moves these letters back and fails where one was not.
func (q *Queue) redriveAll(t *testing.T, letters []DeadLetter) {
	t.Helper()
	for i, err := range q.Redrive(t.Context(), keysOf(letters), nil) {
		if err != nil {
			t.Errorf("Redrive of %s = %v", letters[i].Body, err)
		}
	}
}

func TestRedrivenMessageBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{})
		id := q.mustPut(t, Entry{Group: "g", Head: []byte("head"), Body: []byte("a"), Delay: time.Second})
		time.Sleep(time.Second)
		if err := q.take(t).GiveBack(t.Context(), Retry{Failed: true}); err != nil {
			t.Fatal(err)
		}
		why := Reason{Text: "no", Status: 422, Attempts: 2, Endpoint: "http://localhost/", FirstReceived: time.Now(), LastAttempt: time.Now()}
		if err := q.take(t).DeadLetter(t.Context(), why); err != nil {
			t.Fatal(err)
		}
		died := time.Now()
		q.putAll(t, "g", "b")
		time.Sleep(time.Hour)
		l := q.letters(t)[0]
		if l.ID != id || l.Group != "g" || string(l.Head) != "head" || l.Subscription != "" || !l.Died.Equal(died) || l.Damaged != nil ||
			l.Reason.Text != "no" || l.Reason.Status != 422 || l.Reason.Attempts != 2 || l.Reason.Endpoint != "http://localhost/" || !l.Reason.LastAttempt.Equal(died) {
			t.Errorf("dead letter = %+v", l)
		}
		errs := q.Redrive(t.Context(), []DeadKey{l.Key}, func(l DeadLetter) ([]byte, error) { return append(l.Head, " of "+l.ID...), nil })
		if errs[0] != nil {
			t.Fatal(errs)
		}
		q.remove(t, q.take(t)) // b: what is moved back is the last one of its group
		d := q.take(t)
		if d.ID != id || d.Group != "g" || string(d.Body) != "a" || string(d.Head) != "head of "+id || d.ReceiveCount != 1 || d.Unsettled || !d.Stored.Equal(time.Now()) || !d.Due.Equal(d.Stored) {
			t.Errorf("received %+v, want a as a new one", d)
		}
		if c := q.Counts(); c.DeadMessages != 0 || c.DeadBytes != 0 || c.Messages != 1 {
			t.Errorf("counts = %+v", c)
		}
		q.remove(t, d)
		q.wantUsage(t, 0, 0)
		_ = q.Close()
	})
}

func TestRedriveIsOfOneSubscription(t *testing.T) {
	q := open(t, Options{Subscriptions: named("a", "b")})
	q.putAll(t, "", "1 2")
	for i := range 2 {
		for _, d := range takeNOf(t, q.Subscription(i), 2) {
			if err := d.DeadLetter(t.Context(), Reason{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if all, b := deadBodies(q.letters(t)), q.letters(t, "b"); all != "1 1 2 2" || deadBodies(b) != "1 2" || b[0].Subscription != "b" {
		t.Fatalf("dead letters: %s; b's: %+v", all, b)
	}
	found, err := q.FindDeadLetters([]string{q.letters(t)[0].ID})
	if err != nil || len(found) != 2 || found[0].ID != found[1].ID || found[0].Subscription == found[1].Subscription {
		t.Errorf("FindDeadLetters = %+v, %v; want one for each subscription", found, err)
	}
	q.redriveAll(t, q.letters(t, "b"))
	wantDueOf(t, q.Subscription(0), "")
	wantDueOf(t, q.Subscription(1), "1 2")
	if a, b := q.Subscription(0).Counts(), q.Subscription(1).Counts(); a.DeadMessages != 2 || a.Messages != 0 || b.DeadMessages != 0 || b.Messages != 2 {
		t.Errorf("counts = %+v and %+v", a, b)
	}
	q = open(t, Options{Dir: q.close(t), Subscriptions: named("a", "b")})
	wantDueOf(t, q.Subscription(1), "1 2")
	if list := q.letters(t, "c"); len(list) != 0 {
		t.Errorf("a subscription that is not there has %+v", list)
	}
}

func TestListGoesOnBehindACursor(t *testing.T) {
	q := open(t, Options{})
	q.bury(t, "a b c d e")
	all := q.letters(t)
	page, err := q.DeadLetters(all[1].Key, 2)
	if err != nil || !slices.Equal(keysOf(page), keysOf(all[2:4])) {
		t.Errorf("DeadLetters behind b = %+v, %v; want c and d", page, err)
	}
	if page, err = q.DeadLetters(all[4].Key, 2); err != nil || len(page) != 0 {
		t.Errorf("behind the last one are %+v, %v", page, err)
	}
	if err := q.DropDeadLetter(t.Context(), all[1].Key); err != nil {
		t.Fatal(err)
	}
	if page, err = q.DeadLetters(all[1].Key, 1); err != nil || !slices.Equal(keysOf(page), keysOf(all[2:3])) {
		t.Errorf("behind one that is dropped are %+v, %v; want c", page, err)
	}
	for _, k := range []DeadKey{all[1].Key, {}, {Seq: 99, Slot: 7}} {
		if again, ok := ParseDeadKey(k.String()); !ok || again != k {
			t.Errorf("ParseDeadKey(%q) = %v, %v", k, again, ok)
		}
	}
	for _, text := range []string{"", "0", "zz", "00", "0000000000000001ff"} {
		if k, ok := ParseDeadKey(text); ok {
			t.Errorf("ParseDeadKey(%q) = %v", text, k)
		}
	}
}

func TestDeadLetterIsDroppedOnce(t *testing.T) {
	q := open(t, Options{})
	q.bury(t, "a b")
	a := q.letters(t)[0]
	if err := q.DropDeadLetter(t.Context(), a.Key); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "a second DropDeadLetter", q.DropDeadLetter(t.Context(), a.Key), ErrNoDeadLetter)
	_, err := q.DeadLetter(a.Key)
	wantErr(t, "DeadLetter", err, ErrNoDeadLetter)
	if c := q.Counts(); c.DeadMessages != 1 || c.DeadBytes != 1 {
		t.Errorf("counts = %+v, want b", c)
	}
	wantErr(t, "DeadLetter of no key", func() error { _, err := q.DeadLetter(DeadKey{}); return err }(), ErrNoDeadLetter)
	_ = q.Close()
	wantErr(t, "DropDeadLetter", q.DropDeadLetter(t.Context(), a.Key), ErrClosed)
}

// TestWhatCannotBeMovedStaysADeadLetter: and says why, one by one.
func TestWhatCannotBeMovedStaysADeadLetter(t *testing.T) {
	spoilt := errors.New("not an envelope")
	for name, c := range map[string]struct {
		options Options // of the start that moves
		damage  bool
		head    func(DeadLetter) ([]byte, error)
		want    []error // for a and b, which are one message each
	}{
		"there is room for one": {options: Options{MaxMessages: 2}, want: []error{nil, ErrFull}},
		"room is not made by eviction": {
			options: Options{Subscriptions: []SubscriptionOptions{{Name: "s", MaxMessages: 1, Full: DropThem}}}, want: []error{ErrFull, ErrFull},
		},
		"its subscription is gone": {options: Options{Subscriptions: named("other")}, want: []error{ErrNotConfigured, ErrNotConfigured}},
		"one is damaged":           {damage: true, want: []error{record.ErrDamaged, nil}},
		"one has no envelope": {want: []error{nil, spoilt}, head: func(l DeadLetter) ([]byte, error) {
			if string(l.Body) == "b" {
				return nil, spoilt
			}
			return l.Head, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			q := open(t, Options{Subscriptions: named("s")})
			q.bury(t, "a b")
			keys := keysOf(q.letters(t))
			q.putAll(t, "", "waits")
			dir := q.close(t)
			if c.damage {
				change(t, dir, func(tx *bbolt.Tx) error {
					dead := tx.Bucket([]byte(record.Dead.Name()))
					key, value := dead.Cursor().First()
					value = append([]byte(nil), value...)
					value[len(value)-1] ^= 1
					return dead.Put(key, value)
				})
			}
			if c.options.Dir = dir; c.options.Subscriptions == nil {
				c.options.Subscriptions = named("s")
			}
			q = open(t, c.options)
			before, _ := q.Usage()
			moved := 0
			for i, err := range q.Redrive(t.Context(), keys, c.head) {
				if !errors.Is(err, c.want[i]) || err != nil && c.want[i] == nil {
					t.Errorf("letter %d: %v, want %v", i, err, c.want[i])
				}
				if c.want[i] == nil {
					moved++
				}
			}
			left, err := q.DeadLetters(DeadKey{}, 10)
			if after, _ := q.Usage(); err != nil || len(left) != 2-moved || after != before+moved {
				t.Errorf("%d letters are left (%v) and %d messages wait, of which %d did before; %d were moved", len(left), err, after, before, moved)
			}
		})
	}
}

func TestNothingIsMovedToASubscriptionThatIsOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, Options{Subscriptions: []SubscriptionOptions{{Name: "s", OfflineLimit: time.Minute}}})
		q.putAll(t, "", "a")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		letters := q.letters(t)
		wantErr(t, "Redrive", q.Redrive(t.Context(), keysOf(letters), nil)[0], ErrOffline)
		q.Subscription(0).Online()
		q.redriveAll(t, letters)
		wantDueOf(t, q.Subscription(0), "a")
		_ = q.Close()
	})
}

func TestLetterThatTwoMoveIsMovedOnce(t *testing.T) {
	q := open(t, Options{})
	q.bury(t, "a")
	k := q.letters(t)[0].Key
	errs := q.Redrive(t.Context(), []DeadKey{k, k, {Seq: 99}}, nil)
	if errs[0] != nil || !errors.Is(errs[1], ErrNoDeadLetter) || !errors.Is(errs[2], ErrNoDeadLetter) {
		t.Errorf("Redrive = %v, want the first alone", errs)
	}
	q.wantUsage(t, 1, 1)
	q.remove(t, q.take(t))
	q.none(t)
}

func TestRedriveEndsWithItsContextOrTheQueue(t *testing.T) {
	q := open(t, Options{})
	q.bury(t, "a")
	letters := q.letters(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, "Redrive", q.Redrive(ctx, keysOf(letters), nil)[0], context.Canceled)
	if left := q.letters(t); len(left) != 1 {
		t.Errorf("%+v is left, want a", left)
	}
	_ = q.Close()
	for _, err := range q.Redrive(t.Context(), append(keysOf(letters), DeadKey{Seq: 9}), nil) {
		wantErr(t, "Redrive", err, ErrClosed)
	}
}

// TestInterruptedRedriveNeitherLosesNorDoubles moves many letters back with a disk that fails at random
// commits, before them or after: after each start every message is in one place, and in the end all
// wait.
func TestInterruptedRedriveNeitherLosesNorDoubles(t *testing.T) {
	for name, n := range map[string]int{"few": 600, "many": 100_000} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ids := fillWithDead(t, dir, n)
			interrupted := 0
			for left := n; left > 0; {
				commits, last := 0, 1+rand.IntN(100)
				q := open(t, Options{Dir: dir, commit: func(tx *bbolt.Tx) error {
					if commits++; commits < last {
						return tx.Commit()
					}
					if rand.IntN(2) == 0 {
						_ = tx.Commit() // it is on the disk, and nobody is told
					}
					return errors.New("the disk fails")
				}})
				wantEachOnce(t, q, ids)
				list, err := q.DeadLetters(DeadKey{}, left)
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range q.Redrive(t.Context(), keysOf(list), nil) {
					if err != nil {
						interrupted++
						break
					}
				}
				_ = q.Close()
				q = open(t, Options{Dir: dir})
				left = q.Counts().DeadMessages
				wantEachOnce(t, q, ids)
				_ = q.Close()
			}
			if n > 10_000 && interrupted < 2 {
				t.Errorf("interrupted %d times: the test tests nothing", interrupted)
			}
			q := open(t, Options{Dir: dir})
			if c := q.Counts(); c.Messages != n || c.DeadMessages != 0 || c.DeadBytes != 0 {
				t.Errorf("counts = %+v, want %d messages", c, n)
			}
		})
	}
}

// fillWithDead makes n dead letters in a new file, every third of a group, and returns their ids.
func fillWithDead(t *testing.T, dir string, n int) map[string]bool {
	t.Helper()
	q := open(t, Options{Dir: dir})
	ids := make(map[string]bool, n)
	q.close(t)
	change(t, dir, func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(record.Dead.Name()))
		bucket.FillPercent = 0.95
		for i := range n {
			m := record.Message{ID: [16]byte{byte(i), byte(i >> 8), byte(i >> 16)}, Stored: 1, Body: []byte("body")}
			if i%3 == 0 {
				m.Group = fmt.Sprint("g", i%100)
			}
			ids[hex.EncodeToString(m.ID[:])] = true
			letter := record.EncodeDeadLetter(Reason{Text: "no"}, time.Unix(1, 0), m.Encode())
			if err := bucket.Put(record.SlotKey(uint64(i+1), 0), letter); err != nil {
				return err
			}
		}
		counts := record.Counts{record.Dead: uint64(n)}
		return counts.Seal(tx)
	})
	return ids
}

// wantEachOnce fails unless each of the messages is either a dead letter or waits, once.
func wantEachOnce(t *testing.T, q *Queue, ids map[string]bool) {
	t.Helper()
	seen := make(map[string]int, len(ids))
	err := q.set.View(func(b store.Buckets) error {
		for _, bucket := range []record.Bucket{record.Plain, record.Indexed} {
			_ = b[bucket].ForEach(func(_, v []byte) error {
				m, err := record.DecodeMessage(v)
				seen[hex.EncodeToString(m.ID[:])]++
				return err
			})
		}
		b.EachDeadLetter(DeadKey{}, func(_ DeadKey, v []byte) bool {
			d, err := record.ParseDeadLetter(v, len(v))
			seen[hex.EncodeToString(d.ID[:])]++
			return err == nil
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for id := range ids {
		if seen[id] != 1 {
			wrong++
		}
	}
	if wrong > 0 || len(seen) != len(ids) {
		t.Fatalf("%d of %d messages are not in one place, and %d are known", wrong, len(ids), len(seen))
	}
}
