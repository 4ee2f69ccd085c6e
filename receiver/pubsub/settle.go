package pubsub

import (
	"context"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// How long past its time a message of an ordering key that was given back is waited for before a
// later one is let through: an ack deadline, since it may have been handed out to a pull that was
// gone, and a little more; but a minute at most, since it may have gone to another replica, or to
// the dead letters.
const (
	graceMargin = 5 * time.Second
	graceMost   = time.Minute
)

// Settle acknowledges m, makes it available again after o.Delay, or publishes it to the dead-letter
// topic and acknowledges it, as o says. A delay is rounded up to whole seconds. One longer than the
// 600 s that Pub/Sub allows is kept by renewing the lease from here until Close, for a thousand
// messages at most; beyond them it is shortened to 600 s. A subscription's retry policy may add to
// it.
//
// Unless the subscription delivers exactly once, Pub/Sub's agreement means nothing once the lease
// is over: Settle returns ErrLeaseLost then, though it has tried.
//
// When ctx ends before the answer is there, Settle returns ctx's error and the settlement may be
// carried out all the same; repeating it does no harm.
func (r *Receiver) Settle(ctx context.Context, m *message.Message, o message.Outcome) error {
	switch {
	case o.Verdict == message.Rejected && o.Action == message.DeadLetter:
		return r.moveToDeadLetters(ctx, m, o)
	case o.Ends():
		return r.acknowledge(ctx, m)
	}
	return r.retry(ctx, m, o.Delay)
}

// acknowledge removes m for good.
func (r *Receiver) acknowledge(ctx context.Context, m *message.Message) error {
	rc := receiver.ReceiptOf[receipt](m)
	if err := r.acks.Submit(ctx, rc.ackID, 0); err != nil {
		return err
	}
	rc.settled.Store(true)
	if err := r.vouched(m); err != nil {
		return err
	}
	r.counts.acknowledge(m.ID)
	return nil
}

// retry makes m available again after delay.
func (r *Receiver) retry(ctx context.Context, m *message.Message, delay time.Duration) error {
	rc := receiver.ReceiptOf[receipt](m)
	if m.Ordered {
		r.order.ExpectFirst(m.Group, m.ID, time.Now().Add(delay), r.grace())
	}
	now := time.Now()
	if err := r.deadlines.Submit(ctx, rc.ackID, receiver.WholeSeconds(delay, maxLease)); err != nil {
		return err
	}
	rc.settled.Store(true)
	if err := r.vouched(m); err != nil {
		return err
	}
	if delay > maxLease && !r.deferred.add(m.ID, rc.ackID, now.Add(delay)) {
		r.options.Warn("too many messages are deferred for longer than Pub/Sub allows: one is deferred for ten minutes only", nil)
	}
	return nil
}

// vouched says whether Pub/Sub's agreement to settle m can be relied on.
func (r *Receiver) vouched(m *message.Message) error {
	if r.subscription.exactlyOnce || time.Now().Before(m.Expires()) {
		return nil
	}
	return receiver.ErrLeaseLost
}

func (r *Receiver) grace() time.Duration { return min(r.subscription.own, graceMost) + graceMargin }
