package transmitter

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"carrier/message"
)

// GiveUpOptions is what GiveUp is made of.
type GiveUpOptions struct {
	// MaxAttempts is how many attempts may fail before a message is rejected. Zero leaves that to
	// the source's own redrive policy. A deferral is no failed attempt where the source tells it
	// apart, as ingest does. SQS and Pub/Sub count receives and nothing else: there every earlier
	// receive counts as a failed attempt, whatever became of it.
	MaxAttempts int
	// MaxAge is the age at which a message is rejected without being posted, counted from when it
	// entered the queue. Zero means never. A message's own Timeout counts in its place.
	MaxAge time.Duration
	// Action is what a rejected message becomes where the worker did not say dead-letter.
	Action message.Action
}

// GiveUp rejects what it is of no use to try any longer, and says what becomes of rejected
// messages. A message that was deferred or not tried counts as no attempt.
func GiveUp(opts GiveUpOptions) Middleware {
	return func(next Transmitter) Transmitter { return &giveUp{next, opts} }
}

type giveUp struct {
	Transmitter
	opts GiveUpOptions
}

func (g *giveUp) Transmit(ctx context.Context, m *message.Message) (o message.Outcome) {
	if limit := timeoutOf(m, g.opts.MaxAge); limit > 0 && m.Age() > limit {
		o.Verdict, o.Action = message.Rejected, g.opts.Action
		o.Reason = fmt.Sprintf("older than %v", limit)
		return o
	}
	o = g.Transmitter.Transmit(ctx, m)
	if g.triedEnough(m, &o) {
		o.Verdict, o.Cause = message.Rejected, 0
		o.Reason = fmt.Sprintf("gave up after %d failed attempts: %s", m.FailedAttempts()+1, o.Reason)
	}
	if o.Verdict == message.Rejected && o.Action != message.DeadLetter {
		o.Action = g.opts.Action
	}
	return o
}

// timeoutOf is the age at which m is given up: its own where it has one, since it is the more specific.
func timeoutOf(m *message.Message, maxAge time.Duration) time.Duration {
	return cmp.Or(m.Timeout, maxAge)
}

func (g *giveUp) triedEnough(m *message.Message, o *message.Outcome) bool {
	return g.opts.MaxAttempts > 0 && m.FailedAttempts()+1 >= g.opts.MaxAttempts &&
		o.Verdict == message.Retry && o.Cause == message.Failed
}
