package subscription

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
func (d *Delivery) DeadLetter(ctx context.Context, why Reason) error {
	return d.end(ctx, inTime, &deadLetterOp{ending: ending{sub: d.sub, item: d.item}, why: why})
}

// chargeDead counts a dead letter that is about to be written. The caller holds the set's Mu.
func (s *Subscription) chargeDead(bytes int64) {
	s.set.dead.Add(bytes)
	s.dead.Add(bytes)
}

// admitDead is chargeDead where there is room.
func (s *Subscription) admitDead(bytes int64) error {
	u := s.set.dead
	u.Add(bytes)
	if o := &s.set.options; o.DeadFull == Keep && !o.deadFits(u) {
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

func (o *deadLetterOp) Write(t *Tx) (err error) {
	if o.left, err = t.DeadLetter(o.ref(), o.sub.slot, o.why); err != nil {
		return err
	}
	return o.dropped.makeRoom(t)
}

func (o *deadLetterOp) Apply(set *Set) {
	o.dropped.apply(set)
	o.finish(set)
}

// deadDropped counts dead letters that had to make room, by the slot of their subscription.
type deadDropped map[int]record.Usage

// makeRoom drops the oldest dead letters while there are too many.
func (d *deadDropped) makeRoom(t *Tx) error {
	for !t.limits.deadFits(t.dead) {
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

// apply counts them, and has them reported. The caller holds the set's Mu.
func (d deadDropped) apply(set *Set) {
	for slot, u := range d {
		set.dead.Take(u)
		if s := set.bySlot[slot]; s != nil {
			s.dead.Take(u)
			s.deadDropped += uint64(u.Messages)
			s.unreported.dead.Put(u)
		}
	}
}

// RemoveDead removes a dead letter that may be there, and says what it cost.
func (t *Tx) RemoveDead(k store.DeadKey) (size int64, found bool, err error) {
	if size, found, err = t.Tx.RemoveDead(k); found {
		t.dead.Drop(size)
	}
	return size, found, err
}

// TookDead counts a dead letter less of the subscription of a slot. The caller holds Mu.
func (set *Set) TookDead(slot int, size int64) {
	set.dead.Drop(size)
	if s := set.bySlot[slot]; s != nil {
		s.dead.Drop(size)
	}
}

// DropDeadLetters removes all dead letters of s, and returns how many there were.
func (s *Subscription) DropDeadLetters(ctx context.Context) (int, error) {
	set, total := s.set, 0
	for sweep := store.NewDeadSweep(s.slot); sweep != nil; sweep = sweep.Rest() {
		set.Mu.Lock()
		if err := set.Usable(); err != nil {
			set.Mu.Unlock()
			return total, err
		}
		b := set.Enqueue(&dropDeadOp{sub: s, sweep: sweep}, 0)
		set.Mu.Unlock()
		if err := set.Wait(ctx, b); err != nil {
			return total, err
		}
		total += sweep.Dead.Messages
	}
	return total, nil
}

// SweepMost is how many keys one commit of a sweep looks at.
const SweepMost = 4096

type dropDeadOp struct {
	sub   *Subscription
	sweep *store.Sweep
}

func (o *dropDeadOp) Idle() bool { return false }

func (o *dropDeadOp) Write(t *Tx) error { return o.sweep.Run(&t.Tx, SweepMost) }

func (o *dropDeadOp) Apply(set *Set) {
	set.dead.Take(o.sweep.Dead)
	o.sub.dead.Take(o.sweep.Dead)
}
