package queue

import (
	"context"
	"fmt"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
)

// A Reason says why a message became a dead letter.
type Reason = record.Reason

// DeadLetter moves the message to the dead letters of its subscription. With Keep, ErrFull means that
// there is no room for more of them, and that the lease goes on; with DropOldest the oldest ones of
// all subscriptions make room.
func (q *Queue) DeadLetter(ctx context.Context, d *Delivery, why Reason) error {
	return q.end(ctx, d, inTime, &deadLetterOp{ending: ending{sub: d.sub, item: d.item}, why: why})
}

// deadFits says whether u is within the quotas of dead letters.
func (o *Options) deadFits(u record.Usage) bool {
	return (o.MaxDeadMessages <= 0 || u.Messages <= o.MaxDeadMessages) &&
		(o.MaxDeadBytes <= 0 || u.Bytes <= o.MaxDeadBytes)
}

// chargeDead counts a dead letter that is about to be written. The caller holds the queue's mu.
func (s *Subscription) chargeDead(bytes int64) {
	s.queue.dead.Add(bytes)
	s.dead.Add(bytes)
}

// admitDead is chargeDead where there is room.
func (s *Subscription) admitDead(bytes int64) error {
	u := s.queue.dead
	u.Add(bytes)
	if o := &s.queue.options; o.DeadFull == Keep && !o.deadFits(u) {
		return fmt.Errorf("%w: no room for dead letters", ErrFull)
	}
	s.chargeDead(bytes)
	return nil
}

type deadLetterOp struct {
	ending
	why     Reason
	dropped deadDropped
}

func (o *deadLetterOp) Write(t *transaction) (err error) {
	if o.left, err = t.DeadLetter(o.ref(), o.sub.slot, o.why); err != nil {
		return err
	}
	return o.dropped.makeRoom(t)
}

func (o *deadLetterOp) Apply(q *Queue) {
	o.dropped.apply(q)
	o.finish(q)
}

// deadDropped counts dead letters that had to make room, by the slot of their subscription.
type deadDropped map[int]record.Usage

// makeRoom drops the oldest dead letters while there are too many.
func (d *deadDropped) makeRoom(t *transaction) error {
	for !t.options.deadFits(t.dead) {
		slot, size, found, err := t.DropOldestDead()
		if err != nil || !found {
			return err
		}
		t.dead.Drop(size)
		if *d == nil {
			*d = deadDropped{}
		}
		u := (*d)[slot]
		u.Add(size)
		(*d)[slot] = u
	}
	return nil
}

// apply counts them, and has them reported. The caller holds the queue's mu.
func (d deadDropped) apply(q *Queue) {
	for slot, u := range d {
		q.dead.Take(u)
		if s := q.bySlot[slot]; s != nil {
			s.dead.Take(u)
			s.deadDropped += uint64(u.Messages)
			s.unreported.dead.Put(u)
		}
	}
}

// DropDeadLetters removes all dead letters of s, and returns how many there were.
func (s *Subscription) DropDeadLetters(ctx context.Context) (int, error) {
	q, total := s.queue, 0
	for sweep := store.NewDeadSweep(s.slot); sweep != nil; sweep = sweep.Rest() {
		q.mu.Lock()
		if err := q.usable(); err != nil {
			q.mu.Unlock()
			return total, err
		}
		b := q.enqueue(&dropDeadOp{sub: s, sweep: sweep}, 0)
		q.mu.Unlock()
		if err := q.wait(ctx, b); err != nil {
			return total, err
		}
		total += sweep.Dead.Messages
	}
	return total, nil
}

// DropDeadLetters removes all dead letters of all subscriptions, and returns how many there were.
func (q *Queue) DropDeadLetters(ctx context.Context) (int, error) {
	total := 0
	q.mu.Lock()
	all := q.all()
	q.mu.Unlock()
	for _, s := range all {
		n, err := s.DropDeadLetters(ctx)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// sweepMost is how many keys one commit of a sweep looks at.
const sweepMost = 4096

type dropDeadOp struct {
	sub   *Subscription
	sweep *store.Sweep
}

func (o *dropDeadOp) Idle() bool { return false }

func (o *dropDeadOp) Write(t *transaction) error { return o.sweep.Run(&t.Tx, sweepMost) }

func (o *dropDeadOp) Apply(q *Queue) {
	q.dead.Take(o.sweep.Dead)
	o.sub.dead.Take(o.sweep.Dead)
}
