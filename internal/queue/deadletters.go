package queue

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
	"carrier/internal/queue/subscription"
)

// ErrNoDeadLetter means that there is no such dead letter, or not any more.
var ErrNoDeadLetter = errors.New("no such dead letter")

// A DeadKey names one dead letter for as long as it is one. Keys are in the order in which the
// messages were put; the zero key is before all.
type DeadKey = store.DeadKey

// ParseDeadKey is the opposite of DeadKey.String; false where text is none.
func ParseDeadKey(text string) (DeadKey, bool) { return store.ParseDeadKey(text) }

// A DeadLetter is one message that was rejected.
type DeadLetter struct {
	Key DeadKey
	// Subscription is the name in the file of the one that it is a dead letter of.
	Subscription string
	// ID is that of the message. Each of its subscriptions may have a dead letter of that id.
	ID, Group string
	Reason    Reason
	// Died is when it became a dead letter.
	Died time.Time
	// BodySize is the length of its body in bytes.
	BodySize int
	// Head and Body are there where one letter was asked for.
	Head, Body []byte
	// Damaged is why it cannot be read; all else but the key and the subscription may be missing then.
	Damaged error
}

// scanDeadMost is how many dead letters are looked at in one read of the file.
const scanDeadMost = 10_000

// DeadLetters returns up to limit dead letters after a key, oldest first and without their head and
// body, of the subscriptions with these names, of all where none is named. It does not hold up
// anybody. A name that there is not has no dead letters.
func (q *Queue) DeadLetters(after DeadKey, limit int, of ...string) (letters []DeadLetter, err error) {
	err = q.scanDead(after, of, func(l DeadLetter) bool {
		letters = append(letters, l)
		return len(letters) < limit
	})
	return letters, err
}

// FindDeadLetters returns the dead letters of messages with these ids, as DeadLetters does.
func (q *Queue) FindDeadLetters(ids []string, of ...string) (letters []DeadLetter, err error) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	err = q.scanDead(DeadKey{}, of, func(l DeadLetter) bool {
		if wanted[l.ID] {
			letters = append(letters, l)
		}
		return true
	})
	return letters, err
}

// scanDead calls visit with the dead letters after a key until it returns false.
func (q *Queue) scanDead(after DeadKey, of []string, visit func(DeadLetter) bool) error {
	names := q.namesBySlot()
	for stopped := false; !stopped; {
		seen := 0
		err := q.set.View(func(b store.Buckets) error {
			b.EachDeadLetter(after, func(k DeadKey, value []byte) bool {
				seen++
				after = k
				if name := names[k.Slot]; len(of) == 0 || slices.Contains(of, name) {
					stopped = !visit(newDeadLetter(k, name, value))
				}
				return !stopped && seen < scanDeadMost
			})
			return nil
		})
		if err != nil || seen < scanDeadMost {
			return err
		}
	}
	return nil
}

// namesBySlot are the names of all subscriptions that have something, by their slots.
func (q *Queue) namesBySlot() map[int]string {
	q.set.Mu.Lock()
	defer q.set.Mu.Unlock()
	names := make(map[int]string, len(q.table))
	for _, s := range q.table {
		names[s.Slot] = s.Name
	}
	return names
}

// newDeadLetter reads no more of value than the beginning.
func newDeadLetter(k DeadKey, name string, value []byte) DeadLetter {
	d, err := record.ParseDeadLetter(value, len(value))
	return DeadLetter{
		Key: k, Subscription: name, ID: hex.EncodeToString(d.ID[:]), Group: string(d.Group),
		Reason: d.Reason, Died: d.At, BodySize: d.BodySize(), Damaged: err,
	}
}

// DeadLetter returns one dead letter with its head and body; ErrNoDeadLetter where there is none of
// that key.
func (q *Queue) DeadLetter(k DeadKey) (l DeadLetter, err error) {
	name := q.namesBySlot()[k.Slot]
	found := false
	err = q.set.View(func(b store.Buckets) error {
		if value := b.DeadValue(k); value != nil {
			found = true
			l, _ = readDead(k, bytes.Clone(value)) // the file's pages are only lent
			l.Subscription = name
		}
		return nil
	})
	if err == nil && !found {
		err = ErrNoDeadLetter
	}
	return l, err
}

// readDead reads all of value, and returns the message in it too. Head and Body are parts of value.
func readDead(k DeadKey, value []byte) (DeadLetter, record.Message) {
	l := newDeadLetter(k, "", value)
	_, _, m, err := record.DecodeDeadLetter(value)
	l.Head, l.Body, l.Damaged = m.Head, m.Body, err
	return l, m
}

// DropDeadLetter removes one dead letter for good, and returns once that is on the disk;
// ErrNoDeadLetter where there is none of that key.
func (q *Queue) DropDeadLetter(ctx context.Context, k DeadKey) error {
	o := &dropOneDeadOp{key: k}
	q.set.Mu.Lock()
	if err := q.set.Usable(); err != nil {
		q.set.Mu.Unlock()
		return err
	}
	b := q.set.Enqueue(o, 0)
	q.set.Mu.Unlock()
	if err := q.set.Wait(ctx, b); err != nil {
		return err
	}
	if !o.found {
		return ErrNoDeadLetter
	}
	return nil
}

type dropOneDeadOp struct {
	key   DeadKey
	size  int64
	found bool
}

func (o *dropOneDeadOp) Idle() bool { return false }

func (o *dropOneDeadOp) Write(t *subscription.Tx) (err error) {
	o.size, o.found, err = t.RemoveDead(o.key)
	return err
}

func (o *dropOneDeadOp) Apply(set *subscription.Set) {
	if o.found {
		set.TookDead(o.key.Slot, o.size)
	}
}
