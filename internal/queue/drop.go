package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
	"carrier/internal/queue/subscription"
)

// ErrNoSubscription means that there is none of that name.
var ErrNoSubscription = errors.New("no such subscription")

// noSlot is the slot of no subscription.
const noSlot = -1

// RemovedDropped counts the messages that were dropped since the start with subscriptions that are
// not configured any more.
func (q *Queue) RemovedDropped() uint64 {
	q.set.Mu.Lock()
	defer q.set.Mu.Unlock()
	return q.removedDropped
}

// Dropped says what Drop has removed.
type Dropped struct {
	Messages, Dead int
	// Ended says that the subscription is gone too; one that is configured stays.
	Ended bool
}

// Drop removes what the subscription called name has and is not in flight, dead letters included.
// One that is not configured any more is ended. It returns once that is on the disk.
func (q *Queue) Drop(ctx context.Context, name string) (Dropped, error) {
	q.set.Mu.Lock()
	i := slices.IndexFunc(q.table, func(s record.Subscription) bool { return s.Name == name && s.State != record.Dropping })
	if err := q.set.Usable(); err != nil || i < 0 {
		q.set.Mu.Unlock()
		return Dropped{}, errors.Join(err, fmt.Errorf("%w: %q", ErrNoSubscription, name))
	}
	s := q.set.At(q.table[i].Slot)
	if q.table[i].State == record.Removed {
		live, dead := s.Usage()
		d := Dropped{Messages: live.Messages, Dead: dead.Messages, Ended: true}
		q.endSubscription(i)
		q.set.Mu.Unlock()
		select {
		case <-s.Dropped():
			return d, nil
		case <-ctx.Done():
			return d, ctx.Err()
		case <-q.set.Down():
			return d, ErrBroken
		case <-q.set.Stopped():
			return d, ErrClosed
		}
	}
	q.set.Mu.Unlock()
	messages, dead, err := s.Drop(ctx)
	return Dropped{Messages: messages, Dead: dead}, err
}

// DropDeadLetters removes all dead letters of all subscriptions, and returns how many there were.
func (q *Queue) DropDeadLetters(ctx context.Context) (int, error) {
	total := 0
	q.set.Mu.Lock()
	all := q.set.All()
	q.set.Mu.Unlock()
	for _, s := range all {
		n, err := s.DropDeadLetters(ctx)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// DropDeadLettersOf removes the dead letters of the subscription called name, and returns how many
// there were.
func (q *Queue) DropDeadLettersOf(ctx context.Context, name string) (int, error) {
	q.set.Mu.Lock()
	all := q.set.All()
	q.set.Mu.Unlock()
	for _, s := range all {
		if s.StoredName() == name {
			return s.DropDeadLetters(ctx)
		}
	}
	return 0, fmt.Errorf("%w: %q", ErrNoSubscription, name)
}

// endSubscription begins to drop the subscription at place i of the table, which is not configured.
// The caller holds the set's Mu.
func (q *Queue) endSubscription(i int) {
	q.table = slices.Clone(q.table)
	q.table[i].State = record.Dropping
	entry := q.table[i]
	s := q.set.At(entry.Slot)
	s.Retire()
	live, dead := s.Usage()
	q.removedDropped += uint64(live.Messages)
	q.set.Enqueue(&tableOp{table: q.table}, 0)
	q.set.Enqueue(&sweepOp{queue: q, sweep: store.NewSweep(entry.Slot), entry: entry, sub: s}, 0)
	since := time.Since(time.Unix(0, entry.Since)).Round(time.Second)
	q.options.Report(SubscriptionDropped, fmt.Errorf("subscription %s was taken out of the configuration %v ago: its %d messages and %d dead letters are dropped",
		s.Name(), since, live.Messages, dead.Messages))
}

// A tableOp writes down the subscriptions.
type tableOp struct{ table []record.Subscription }

func (o *tableOp) Idle() bool { return false }

func (o *tableOp) Write(t *subscription.Tx) error { return t.SetTable(o.table) }

func (o *tableOp) Apply(*subscription.Set) {}

// A sweepOp removes a part of what nobody waits for any more.
type sweepOp struct {
	queue *Queue
	sweep *store.Sweep
	// entry is the subscription that is dropped, sub what is known of it; nil after a start.
	entry record.Subscription
	sub   *Subscription
}

func (o *sweepOp) Idle() bool { return false }

func (o *sweepOp) Write(t *subscription.Tx) error {
	return o.sweep.Run(&t.Tx, subscription.SweepMost)
}

func (o *sweepOp) Apply(set *subscription.Set) {
	set.Swept(o.sweep)
	switch rest := o.sweep.Rest(); {
	case set.Closing(): // the next start goes on
	case rest != nil:
		set.Enqueue(&sweepOp{queue: o.queue, sweep: rest, entry: o.entry, sub: o.sub}, 0)
	case o.sweep.Slot != noSlot:
		o.queue.forget(o)
	}
}

// forget takes a subscription out of the table of which nothing is left. The caller holds the set's Mu.
func (q *Queue) forget(o *sweepOp) {
	q.table = slices.DeleteFunc(slices.Clone(q.table), func(s record.Subscription) bool { return s.Slot == o.entry.Slot })
	q.set.Forget(o.entry.Slot)
	q.set.Enqueue(&forgottenOp{tableOp{table: q.table}, o.sub}, 0)
}

// A forgottenOp is the end of a subscription.
type forgottenOp struct {
	tableOp
	sub *Subscription
}

func (o *forgottenOp) Apply(*subscription.Set) {
	if o.sub != nil {
		o.sub.Retired()
	}
}

// endRemoved begins to drop the subscriptions that were taken out of the configuration too long ago.
// The caller holds the set's Mu.
func (q *Queue) endRemoved(now time.Time) {
	if q.set.Usable() != nil || q.options.RemovedKeep <= 0 {
		return
	}
	for i, entry := range q.table {
		if entry.State == record.Removed && now.Sub(time.Unix(0, entry.Since)) >= q.options.RemovedKeep {
			q.endSubscription(i)
		}
	}
}
