package sqs

import (
	"context"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// Settle deletes m, makes it visible again after o.Delay, or moves it to the dead-letter queue, as
// o says. A delay is rounded up to whole seconds and shortened to what is left of twelve hours
// from the receive, less a minute. When ctx ends before the answer is there, Settle returns ctx's
// error and the settlement may be carried out all the same; repeating it does no harm.
func (r *Receiver) Settle(ctx context.Context, m *message.Message, o message.Outcome) error {
	rc := receiver.ReceiptOf[receipt](m)
	switch {
	case o.Verdict == message.Rejected && o.Action == message.DeadLetter:
		return r.moveToDeadLetters(ctx, m, o)
	case o.Ends():
		return r.deletes.Submit(ctx, rc.handle, 0)
	}
	return r.changes.Submit(ctx, rc.handle, within(o.Delay, time.Now(), rc.until))
}
