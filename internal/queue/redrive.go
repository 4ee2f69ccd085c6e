package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
	"carrier/internal/queue/subscription"
)

// ErrNotConfigured means that a dead letter's subscription is not configured any more: nobody would
// receive what is moved back.
var ErrNotConfigured = errors.New("its subscription is not configured any more")

// redriveMost and redriveBytes bound what one commit moves back.
const (
	redriveMost  = 512
	redriveBytes = 4 << 20
)

// Redrive moves dead letters back to their subscriptions, where they are the last ones, due at once.
// Each keeps its id, group and body; its age and its receive count begin anew. Its head is what head
// makes of it, which must not call the queue; nil leaves it as it is.
//
// A letter is moved in one commit, so that it is in one place at any time, whatever happens. Redrive
// returns an error for each letter, nil where it was moved: ErrNoDeadLetter where it is not there (any
// more), ErrFull where the queue has no room for it (nothing is evicted to make some), ErrOffline,
// ErrNotConfigured, or one of head. When ctx ends the rest is left; whether letters with ctx's error
// were moved says a look for them.
func (q *Queue) Redrive(ctx context.Context, keys []DeadKey, head func(DeadLetter) ([]byte, error)) []error {
	errs := make([]error, 0, len(keys))
	for len(errs) < len(keys) {
		o, err := q.prepareRedrive(keys[len(errs):], head)
		if err != nil {
			return append(errs, filled(make([]error, len(keys)-len(errs)), err)...)
		}
		errs = append(errs, q.redrive(ctx, o)...)
	}
	return errs
}

// filled is errs with err where there is none.
func filled(errs []error, err error) []error {
	for i := range errs {
		if errs[i] == nil {
			errs[i] = err
		}
	}
	return errs
}

// prepareRedrive reads the first of the letters, as many as one commit moves.
func (q *Queue) prepareRedrive(keys []DeadKey, head func(DeadLetter) ([]byte, error)) (*redriveOp, error) {
	o := &redriveOp{}
	err := q.set.View(func(b store.Buckets) error {
		for _, k := range keys {
			l := redriven{key: k}
			l.prepare(b.DeadValue(k), head)
			o.letters = append(o.letters, l)
			o.bytes += len(l.value)
			if len(o.letters) == redriveMost || o.bytes >= redriveBytes {
				break
			}
		}
		return nil
	})
	return o, err
}

// redrive moves what was prepared, and returns once that is on the disk, with what became of each.
func (q *Queue) redrive(ctx context.Context, o *redriveOp) []error {
	b, errs, err := q.enqueueRedrive(ctx, o)
	if err == nil {
		err = q.set.Wait(ctx, b)
	}
	if err != nil {
		return filled(errs, err)
	}
	return o.errs()
}

// enqueueRedrive also returns which letters are not moved, as far as that is known by then: once o is
// queued it is the committer's.
func (q *Queue) enqueueRedrive(ctx context.Context, o *redriveOp) (*subscription.Batch, []error, error) {
	q.set.Mu.Lock()
	defer q.set.Mu.Unlock()
	if err := cmp.Or(ctx.Err(), q.set.Usable()); err != nil {
		return nil, o.errs(), err
	}
	for i := range o.letters {
		q.admitRedriven(&o.letters[i])
	}
	return q.set.Enqueue(o, o.bytes), o.errs(), nil
}

// admitRedriven charges l to the quotas and gives it a number, or says in it why not. The caller holds
// the set's Mu.
func (q *Queue) admitRedriven(l *redriven) {
	if l.err != nil {
		return
	}
	if q.set.Slots(0)&l.charge.Slots == 0 {
		l.err = ErrNotConfigured
		return
	}
	open := l.charge
	open.Slots &= q.set.Accepting()
	if l.err = q.set.RoomBeside(open); l.err == nil {
		q.set.Charge(l.charge)
		l.charged = true
		q.seq++
		l.seq = q.seq
	}
}

// A redriveOp moves dead letters back.
type redriveOp struct {
	letters []redriven
	bytes   int // of what is written
}

func (o *redriveOp) errs() []error {
	errs := make([]error, len(o.letters))
	for i := range o.letters {
		errs[i] = o.letters[i].err
	}
	return errs
}

// A redriven is one letter that is moved back, unless err says why not.
type redriven struct {
	key     DeadKey
	seq     uint64 // as a message
	group   string
	value   []byte
	charge  subscription.Charge
	charged bool
	size    int64 // as a dead letter
	err     error
}

// prepare makes the message that is written of a dead letter's value; nil is none.
func (l *redriven) prepare(value []byte, head func(DeadLetter) ([]byte, error)) {
	if value == nil {
		l.err = ErrNoDeadLetter
		return
	}
	letter, m := readDead(l.key, value)
	if letter.Damaged != nil {
		l.err = fmt.Errorf("dead letter %s: %w", letter.ID, letter.Damaged)
		return
	}
	if head != nil {
		if m.Head, l.err = head(letter); l.err != nil {
			return
		}
	}
	m.To, m.Stored, m.Due = 1<<l.key.Slot, time.Now().UnixNano(), 0
	l.group, l.value = m.Group, m.Encode()
	l.charge.Slots = m.To
	l.charge.One, l.charge.All = record.CostOf(l.value)
}

func (o *redriveOp) Idle() bool { return false }

func (o *redriveOp) Write(t *subscription.Tx) (err error) {
	for i := range o.letters {
		if l := &o.letters[i]; l.err == nil {
			if err := l.write(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *redriven) write(t *subscription.Tx) error {
	size, found, err := t.RemoveDead(l.key)
	if err != nil {
		return err
	}
	if !found { // somebody else has moved or dropped it meanwhile
		l.err = ErrNoDeadLetter
		return nil
	}
	l.size = size
	return t.Add(store.Ref{Seq: l.seq, Indexed: l.group != ""}, l.value)
}

func (o *redriveOp) Apply(set *subscription.Set) {
	for i := range o.letters {
		l := &o.letters[i]
		l.value = nil
		switch {
		case l.err == nil:
			set.TookDead(l.key.Slot, l.size)
			set.Stored(l.charge.Slots, l.seq, 0, l.group)
		case l.charged:
			set.Refund(l.charge)
		}
	}
}

// Space is how much o takes in the file at most, until what it removes is free.
func (o *redriveOp) Space() int64 { return 2*int64(o.bytes) + 512*int64(len(o.letters)) }

// Refuse is for when the disk has no room.
func (o *redriveOp) Refuse() {
	for i := range o.letters {
		if o.letters[i].err == nil {
			o.letters[i].err = ErrDiskFull
		}
	}
}
