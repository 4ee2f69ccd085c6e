package subscription

import (
	"cmp"
	"context"
	"time"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// Extend makes the lease of d last its full length from now on, and returns its end. It does not
// touch the disk. ErrLeaseLost means that the lease is over.
func (d *Delivery) Extend() (time.Time, error) {
	set := d.sub.set
	set.Mu.Lock()
	defer set.Mu.Unlock()
	if err := set.Usable(); err != nil {
		return time.Time{}, err
	}
	now := time.Now()
	if d.sub.gone || d.item.Receives.Lease != d.lease || d.lease.Settling || !d.lease.Expires.After(now) {
		return time.Time{}, ErrLeaseLost
	}
	d.lease.Expires = now.Add(d.sub.options.Lease)
	d.sub.schedule.Extended(d.item)
	return d.lease.Expires, nil
}

// Remove ends the message for its subscription, for good, and returns once that is on the disk. It does so also after
// the lease is over, as long as nobody else was handed the message; after that it returns
// ErrLeaseLost.
//
// Remove, GiveBack, DeadLetter and Quarantine may be called again after an error, by one caller at
// a time and with the same arguments; they then report the same end.
func (d *Delivery) Remove(ctx context.Context) error {
	return d.end(ctx, anyTime, &removeOp{ending{sub: d.sub, item: d.item}})
}

// A Retry says how a message goes back.
type Retry struct {
	// Delay is how long the message, and its group, is not due. It is at most 12 h, and ends at
	// Timeout.
	Delay time.Duration
	// Timeout is the age at which this message is given up; Options.MessageTimeout if zero.
	Timeout time.Duration
	// Failed means that the hand-out was a failed attempt; else it counts as a deferral.
	Failed bool
}

// GiveBack ends the lease; the message is due again as r says.
func (d *Delivery) GiveBack(ctx context.Context, r Retry) error {
	s := record.State{Count: int32(d.ReceiveCount), Deferrals: int32(d.Deferrals), First: d.FirstReceived.UnixNano()}
	if !r.Failed {
		s.Deferrals++
	}
	if r.Delay > 0 {
		s.Due = d.due(time.Now(), r).UnixNano()
	}
	return d.end(ctx, inTime, &giveBackOp{sub: d.sub, item: d.item, state: s})
}

// due is when d is due that is given back at now. A message that gets too old meanwhile is due
// right then, so that it is given up in time; one that is too old already waits as it was told.
func (d *Delivery) due(now time.Time, r Retry) time.Time {
	due := now.Add(min(r.Delay, queuefile.MaxDelay))
	timeout := cmp.Or(r.Timeout, d.sub.options.MessageTimeout)
	if timeout <= 0 {
		return due
	}
	tooOld := d.Due.Add(timeout + time.Millisecond)
	if tooOld.After(now) && tooOld.Before(due) {
		return tooOld
	}
	return due
}

// whether a message may still be settled when its lease is over and nobody else has it.
const (
	inTime  = false
	anyTime = true
)

func (d *Delivery) end(ctx context.Context, late bool, o Op) error {
	set := d.sub.set
	set.Mu.Lock()
	if d.ended == nil {
		if err := d.claim(late, o); err != nil {
			set.Mu.Unlock()
			return err
		}
		d.ended = set.Enqueue(o, record.StateSize)
	}
	b := d.ended
	set.Mu.Unlock()
	return set.Wait(ctx, b)
}

// claim makes sure that d still holds its message, and that the lease ends here.
func (d *Delivery) claim(late bool, o Op) error {
	if err := d.sub.set.Usable(); err != nil {
		return err
	}
	if d.sub.gone || d.item.Receives.Lease != d.lease || !late && !d.lease.Expires.After(time.Now()) {
		return ErrLeaseLost
	}
	if _, dead := o.(*deadLetterOp); dead {
		if err := d.sub.admitDead(d.item.Receives.Size); err != nil {
			return err
		}
	}
	d.lease.Settling = true
	d.sub.schedule.Take(d.item)
	return nil
}

// An ending is what all ops have in common that end a message for its subscription.
type ending struct {
	sub  *Subscription // nil for a message that was found to be damaged at the start
	item *schedule.Item
	left store.Gone // what left the file
}

func (e *ending) Idle() bool { return false }

func (e *ending) ref() store.Ref { return store.Ref{Seq: e.item.Seq, Indexed: e.item.Indexed()} }

// finish takes the message out of the counts, and lets its group's next one go.
func (e *ending) finish(set *Set) {
	set.live.Take(e.left)
	if e.sub == nil {
		return
	}
	e.sub.finish(e.item)
	e.sub.wakeUp()
}

// finish takes a message of s that has ended out of the counts, unless it was quarantined and is out
// of them already. The caller holds Mu.
func (s *Subscription) finish(it *schedule.Item) {
	if s.set.aside[it.Seq]&s.bit() == 0 {
		s.live.Drop(it.Receives.Size)
	}
	s.schedule.Finish(it)
}

type removeOp struct{ ending }

func (o *removeOp) Write(t *Tx) (err error) {
	o.left, err = t.Settle(o.ref(), o.sub.slot)
	return err
}

func (o *removeOp) Apply(set *Set) {
	o.sub.unsuccessful = time.Time{}
	o.finish(set)
}

type giveBackOp struct {
	sub   *Subscription
	item  *schedule.Item
	state record.State
}

func (o *giveBackOp) Idle() bool { return false }

func (o *giveBackOp) Write(t *Tx) error {
	return t.SetState(o.item.Seq, o.sub.slot, o.state)
}

func (o *giveBackOp) Apply(*Set) {
	h := o.item.Receives
	h.Lease, h.Open, h.Deferrals = nil, false, o.state.Deferrals
	o.sub.schedule.GiveBack(o.item, o.state.Due)
	o.sub.wakeUp()
}
