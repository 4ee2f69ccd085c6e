package queue

import (
	"bytes"
	"context"
	"time"
)

// Extend makes the lease of d last its full length from now on, and returns its end. It
// does not touch the disk. ErrLeaseLost means that the lease is over.
func (q *Queue) Extend(d *Delivery) (time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.usable(); err != nil {
		return time.Time{}, err
	}
	now := time.Now()
	if d.item.lease != d.lease || d.lease.settling || !d.lease.expires.After(now) {
		return time.Time{}, ErrLeaseLost
	}
	d.lease.expires = now.Add(q.options.Lease)
	q.schedule.leased.moved(d.item)
	return d.lease.expires, nil
}

// Remove removes the message for good, and returns once that is on the disk. It does so
// also after the lease is over, as long as nobody else was handed the message; after that
// it returns ErrLeaseLost.
//
// Remove, GiveBack, DeadLetter and Quarantine may be called again after an error, by one
// caller at a time and with the same arguments; they then report the same end.
func (q *Queue) Remove(ctx context.Context, d *Delivery) error {
	return q.end(ctx, d, anyTime, &removal{item: d.item})
}

// A Retry says how a message goes back.
type Retry struct {
	// Delay is how long the message, and its group, is not due.
	Delay time.Duration
	// Failed means that the hand-out was a failed attempt; else it counts as a deferral.
	Failed bool
}

// GiveBack ends the lease; the message is due again as r says.
func (q *Queue) GiveBack(ctx context.Context, d *Delivery, r Retry) error {
	s := state{count: int32(d.ReceiveCount), deferrals: int32(d.Deferrals), first: d.FirstReceived.UnixNano()}
	if !r.Failed {
		s.deferrals++
	}
	if r.Delay > 0 {
		s.due = time.Now().Add(r.Delay).UnixNano()
	}
	o := &back{item: d.item, state: s}
	return q.end(ctx, d, inTime, o)
}

// DeadLetter moves the message to the dead letters, where it is kept for good. ErrFull
// means that there is no room for more of them, and that the lease goes on.
func (q *Queue) DeadLetter(ctx context.Context, d *Delivery, why Reason) error {
	q.mu.Lock()
	full := d.ended == nil && !q.options.deadFits(q.dead, d.item.size)
	q.mu.Unlock()
	if full {
		return ErrFull
	}
	return q.end(ctx, d, inTime, &burial{item: d.item, why: why})
}

// Quarantine moves a message that nobody can read to where damaged ones are kept.
func (q *Queue) Quarantine(ctx context.Context, d *Delivery, fault error) error {
	q.options.Report(ValueSetAside, fault)
	return q.end(ctx, d, anyTime, &aside{item: d.item, fault: fault})
}

// whether a message may still be settled when its lease is over and nobody else has it.
const (
	inTime  = false
	anyTime = true
)

func (q *Queue) end(ctx context.Context, d *Delivery, late bool, o op) error {
	q.mu.Lock()
	if d.ended == nil {
		if err := q.claim(d, late); err != nil {
			q.mu.Unlock()
			return err
		}
		d.ended = q.enqueue(o, stateSize)
	}
	g := d.ended
	q.mu.Unlock()
	return q.wait(ctx, g)
}

// claim makes sure that d still holds its message, and that the lease ends here.
func (q *Queue) claim(d *Delivery, late bool) error {
	if err := q.usable(); err != nil {
		return err
	}
	if d.item.lease != d.lease || !late && !d.lease.expires.After(time.Now()) {
		return ErrLeaseLost
	}
	d.lease.settling = true
	q.schedule.take(d.item)
	return nil
}

type removal struct{ item *item }

func (o *removal) idle() bool                 { return false }
func (o *removal) write(t *transaction) error { return t.discard(o.item) }
func (o *removal) apply(q *Queue) {
	q.live.drop(o.item.size)
	q.schedule.finish(o.item)
}

type back struct {
	item  *item
	state state
}

func (o *back) idle() bool                 { return false }
func (o *back) write(t *transaction) error { return t.state.Put(seqKey(o.item.seq), o.state.encode()) }
func (o *back) apply(q *Queue) {
	o.item.lease, o.item.open = nil, false
	o.item.due, o.item.deferrals = o.state.due, o.state.deferrals
	q.schedule.put(o.item)
}

type burial struct {
	item *item
	why  Reason
}

func (o *burial) idle() bool { return false }

func (o *burial) write(t *transaction) error {
	key := seqKey(o.item.seq)
	stored := bytes.Clone(t.of(o.item).Get(key))
	if err := t.dead.Put(key, deadValue(o.why, t.now, stored)); err != nil {
		return err
	}
	return t.discard(o.item)
}

func (o *burial) apply(q *Queue) {
	q.live.drop(o.item.size)
	q.dead.add(o.item.size)
	q.schedule.finish(o.item)
}
