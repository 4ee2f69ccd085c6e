package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
)

// ErrNoSubscription means that there is none of that name.
var ErrNoSubscription = errors.New("no such subscription")

// Dropped says what Drop has removed.
type Dropped struct {
	Messages, Dead int
	// Ended says that the subscription is gone too; one that is configured stays.
	Ended bool
}

// Drop removes what the subscription called name has and is not in flight, dead letters included.
// One that is not configured any more is ended. It returns once that is on the disk.
func (q *Queue) Drop(ctx context.Context, name string) (Dropped, error) {
	q.mu.Lock()
	i := slices.IndexFunc(q.table, func(s record.Subscription) bool { return s.Name == name && s.State != record.Dropping })
	if err := q.usable(); err != nil || i < 0 {
		q.mu.Unlock()
		return Dropped{}, errors.Join(err, fmt.Errorf("%w: %q", ErrNoSubscription, name))
	}
	s := q.bySlot[q.table[i].Slot]
	if q.table[i].State == record.Removed {
		d := Dropped{Messages: s.live.Messages, Dead: s.dead.Messages, Ended: true}
		q.endSubscription(i)
		q.mu.Unlock()
		select {
		case <-s.dropped:
			return d, nil
		case <-ctx.Done():
			return d, ctx.Err()
		case <-q.commits.Down():
			return d, ErrBroken
		case <-q.commits.Stopped():
			return d, ErrClosed
		}
	}
	q.mu.Unlock()
	return s.dropAll(ctx)
}

// DropDeadLettersOf removes the dead letters of the subscription called name, and returns how many
// there were.
func (q *Queue) DropDeadLettersOf(ctx context.Context, name string) (int, error) {
	q.mu.Lock()
	all := q.all()
	q.mu.Unlock()
	for _, s := range all {
		if s.options.Name == name {
			return s.DropDeadLetters(ctx)
		}
	}
	return 0, fmt.Errorf("%w: %q", ErrNoSubscription, name)
}

// dropAll removes what s has at this moment.
func (s *Subscription) dropAll(ctx context.Context) (d Dropped, err error) {
	q := s.queue
	q.mu.Lock()
	left := s.live.Messages
	q.mu.Unlock()
	for left > 0 {
		o := &evictOp{sub: s, how: DropThem, all: true, most: left}
		q.mu.Lock()
		if err := q.usable(); err != nil {
			q.mu.Unlock()
			return d, err
		}
		b := s.evict(o)
		q.mu.Unlock()
		if err := q.wait(ctx, b); err != nil {
			return d, err
		}
		if len(o.taken) == 0 {
			break
		}
		d.Messages += len(o.taken)
		left -= len(o.taken)
	}
	d.Dead, err = s.DropDeadLetters(ctx)
	return d, err
}

// endSubscription begins to drop the subscription at place i of the table, which is not configured.
// The caller holds mu.
func (q *Queue) endSubscription(i int) {
	q.table = slices.Clone(q.table)
	q.table[i].State = record.Dropping
	entry := q.table[i]
	s := q.bySlot[entry.Slot]
	s.gone = true
	q.removedDropped += uint64(s.live.Messages)
	q.enqueue(&tableOp{table: q.table}, 0)
	q.enqueue(&sweepOp{sweep: store.NewSweep(entry.Slot), entry: entry, sub: s}, 0)
	since := time.Since(time.Unix(0, entry.Since)).Round(time.Second)
	q.options.Report(SubscriptionDropped, fmt.Errorf("subscription %s was taken out of the configuration %v ago: its %d messages and %d dead letters are dropped",
		s.name(), since, s.live.Messages, s.dead.Messages))
}

// A tableOp writes down the subscriptions.
type tableOp struct{ table []record.Subscription }

func (o *tableOp) Idle() bool { return false }

func (o *tableOp) Write(t *transaction) error { return t.SetTable(o.table) }

func (o *tableOp) Apply(*Queue) {}

// A sweepOp removes a part of what nobody waits for any more.
type sweepOp struct {
	sweep *store.Sweep
	// entry is the subscription that is dropped, sub what is known of it; nil after a start.
	entry record.Subscription
	sub   *Subscription
}

func (o *sweepOp) Idle() bool { return false }

func (o *sweepOp) Write(t *transaction) error { return o.sweep.Run(&t.Tx, sweepMost) }

func (o *sweepOp) Apply(q *Queue) {
	q.live.Take(o.sweep.Gone)
	q.live.Take(o.sweep.Damaged)
	q.dead.Take(o.sweep.Dead)
	q.setAside += o.sweep.Damaged.Messages
	if o.sweep.Damaged.Messages > 0 {
		q.options.Report(ValueSetAside, fmt.Errorf("%d messages: %w", o.sweep.Damaged.Messages, record.ErrDamaged))
	}
	switch rest := o.sweep.Rest(); {
	case q.commits.Closing(): // the next start goes on
	case rest != nil:
		q.enqueue(&sweepOp{sweep: rest, entry: o.entry, sub: o.sub}, 0)
	case o.sweep.Slot != noSlot:
		q.forget(o)
	}
}

// forget takes a subscription out of the table of which nothing is left. The caller holds mu.
func (q *Queue) forget(o *sweepOp) {
	q.table = slices.DeleteFunc(slices.Clone(q.table), func(s record.Subscription) bool { return s.Slot == o.entry.Slot })
	q.bySlot[o.entry.Slot] = nil
	q.enqueue(&forgottenOp{tableOp{table: q.table}, o.sub}, 0)
}

// A forgottenOp is the end of a subscription.
type forgottenOp struct {
	tableOp
	sub *Subscription
}

func (o *forgottenOp) Apply(q *Queue) {
	if o.sub != nil {
		close(o.sub.dropped)
	}
}
