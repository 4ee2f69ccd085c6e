package nats

import (
	"context"
	"time"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/nats/api"
)

// How long past its time a message of a group that was given back is waited for before a later one
// is let through: a lease, since it may have been handed out to a pull that was gone, and a little
// more; but a minute at most, since it may have gone to another replica, or to the dead letters.
const (
	graceMargin = 5 * time.Second
	graceMost   = time.Minute
)

// Settle acknowledges m, makes it available again after o.Delay, or publishes it to the dead-letter
// subject and acknowledges it, as o says. At the last delivery that the consumer allows, a message
// that would go back goes to the dead-letter subject, where there is one: JetStream would keep it in
// the stream and hand it out to nobody.
//
// JetStream's agreement means nothing once the lease is over: Settle returns ErrLeaseLost then,
// though it has tried to acknowledge. It gives nothing back then: the lease may be another's, and
// would end with that.
//
// When ctx ends before the answer is there, Settle returns ctx's error and the settlement may be
// carried out all the same; repeating it does no harm.
func (r *Receiver) Settle(ctx context.Context, m *message.Message, o message.Outcome) error {
	rc := receiver.ReceiptOf[receipt](m)
	switch {
	case rc.msg == nil:
		return receiver.ErrLeaseLost
	case o.Verdict == message.Rejected && o.Action == message.DeadLetter, !o.Ends() && m.RedriveTo != "":
		return r.moveToDeadLetters(ctx, m, rc, o)
	case o.Ends():
		return r.acknowledge(ctx, m, rc)
	}
	return r.retry(ctx, m, rc, o.Delay)
}

// acknowledge removes m for good.
func (r *Receiver) acknowledge(ctx context.Context, m *message.Message, rc *receipt) error {
	if err := r.tell(ctx, api.OpAck, rc.msg, "+ACK"); err != nil {
		return err
	}
	rc.settled.Store(true)
	return r.vouched(m)
}

// retry makes m available again after delay.
func (r *Receiver) retry(ctx context.Context, m *message.Message, rc *receipt, delay time.Duration) error {
	if m.Ordered {
		r.order.ExpectFirst(m.Group, m.ID, time.Now().Add(delay), r.grace(m))
	}
	if err := r.vouched(m); err != nil {
		return err
	}
	if err := r.tell(ctx, api.OpNak, rc.msg, nakWord(delay)); err != nil {
		return err
	}
	rc.settled.Store(true)
	return r.vouched(m)
}

// vouched says whether JetStream's agreement to settle m can be relied on.
func (r *Receiver) vouched(m *message.Message) error {
	if time.Now().Before(m.Expires()) {
		return nil
	}
	return receiver.ErrLeaseLost
}

// moveToDeadLetters publishes a copy of m to the dead-letter subject, once, and acknowledges m.
func (r *Receiver) moveToDeadLetters(ctx context.Context, m *message.Message, rc *receipt, o message.Outcome) error {
	if r.deadLetters.To == nil {
		return receiver.ErrNoDeadLetter
	}
	return rc.deadLetter.Settle(
		func() error { return r.deadLetters.Send(ctx, m, o) },
		func() error { return r.acknowledge(ctx, m, rc) },
	)
}

func (r *Receiver) grace(m *message.Message) time.Duration {
	return min(m.Lease, graceMost) + graceMargin
}
