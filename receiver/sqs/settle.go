package sqs

import (
	"context"
	"time"

	"carrier/message"
)

// Settle deletes m, makes it visible again after o.Delay, or moves it to the
// dead-letter queue, as o says. A delay is rounded up to whole seconds and shortened
// to what is left of twelve hours from the receive, less a minute. When ctx ends
// before the answer is there, Settle returns ctx's error and the settlement may be
// carried out all the same; repeating it does no harm.
func (r *Receiver) Settle(ctx context.Context, m *message.Message, o message.Outcome) error {
	rc := receiptOf(m)
	switch {
	case o.Verdict == message.Rejected && o.Action == message.DeadLetter:
		if err := r.bury(ctx, m, o); err != nil {
			return err
		}
		return r.remove(ctx, m.ID, rc.handle)
	case o.Ends():
		return r.remove(ctx, m.ID, rc.handle)
	}
	return r.changes.Submit(ctx, rc.handle, within(o.Delay, time.Now(), rc.until))
}

// remove deletes a message for good. It is kept in mind before the first try, so
// that there is no moment in which it could come back and be taken for a new one; and
// afterwards too, since SQS confirms deletions that it then does not carry out, where
// the lease was over or one of its servers away.
func (r *Receiver) remove(ctx context.Context, id, handle string) error {
	key := keyOf(id)
	r.undeleted.add(key)
	if err := r.deletes.Submit(ctx, handle, 0); err != nil {
		return err
	}
	r.deleted.add(key)
	r.undeleted.forget(key)
	return nil
}
