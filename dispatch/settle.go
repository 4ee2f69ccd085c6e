package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"carrier/message"
	"carrier/receiver"
)

const (
	// settleTimeout is the most time given to one try to settle; it has a second less
	// where others began before it.
	settleTimeout = 10 * time.Second
	// settleAtLeast is how long settling is tried even if the lease is over: the
	// source may still agree.
	settleAtLeast = 5 * time.Second
	// settleGrace is how long settling may go on past the end of the drain time.
	settleGrace = 5 * time.Second
)

// errUnsettled is how a message ends whose settlement nobody can vouch for.
var errUnsettled = errors.New("not settled before its lease ended")

// errAbandoned is how a message ends that the worker had not answered for when
// the drain time was over.
var errAbandoned = errors.New("left to its lease: no answer before the drain time was over")

// finish settles h, or lets it go where its lease was lost or the worker was cut
// off, and reports whether the source confirmed that h has left the queue.
func (d *Dispatcher) finish(work context.Context, h *hand, lost bool) (confirmed bool) {
	if !h.outcome.Ends() {
		d.giveBack(work, d.lanes.takeTail(h))
		h.tailReturned = true
	}
	err := d.end(work, h, lost)
	return err == nil && h.outcome.Ends()
}

// end ends h's lease as its outcome says, and its time in hand.
func (d *Dispatcher) end(work context.Context, h *hand, lost bool) error {
	if held := d.leases.release(&h.lease); held >= d.demand.handMax {
		defer d.demand.changed() // there was no room in hand for more
	}
	err := d.conclude(work, h, lost)
	h.settled = err == nil
	d.remember(h, err)
	d.o.Observe(Event{Kind: Settled, Message: h.m, Outcome: h.outcome, Err: err})
	d.hands.remove(h)
	return err
}

// remember notes a message that has left the queue, or has yet to leave it though there is
// nothing else to be done for it; err is how its settlement ended.
func (d *Dispatcher) remember(h *hand, err error) {
	deadLetter := h.outcome.Verdict == message.Rejected && h.outcome.Action == message.DeadLetter
	switch {
	case !h.outcome.Ends():
	case err == nil:
		d.accepted.settled(h.m.ID, h.m.Repeats)
	case !deadLetter || errors.Is(err, receiver.ErrNotRemoved):
		d.accepted.unsettled(h.m.ID)
	}
}

// conclude is end's decision whether there is anything to settle.
func (d *Dispatcher) conclude(work context.Context, h *hand, lost bool) error {
	switch {
	case lost:
		return receiver.ErrLeaseLost
	case work.Err() != nil && !h.unposted && h.outcome.Verdict == message.Retry && h.outcome.Status == 0:
		return errAbandoned
	case h.lease.lost.Load() && h.outcome.Verdict != message.Delivered:
		return receiver.ErrLeaseLost // it is back in the queue, or somebody else's
	}
	return d.settle(work, h)
}

// settle tells the source what became of h, again and again until it agrees or
// the lease is over. It is not ended by the stop.
func (d *Dispatcher) settle(work context.Context, h *hand) error {
	begun := time.Now()
	err := d.trySettle(work, h)
	if err == nil || errors.Is(err, receiver.ErrLeaseLost) {
		return err
	}
	retry := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0),
	)
	for err != nil && !errors.Is(err, receiver.ErrLeaseLost) {
		d.o.Observe(Event{Kind: SettleFailed, Message: h.m, Outcome: h.outcome, Err: err})
		if errors.Is(err, receiver.ErrNoDeadLetter) && h.outcome.Action == message.DeadLetter {
			h.outcome.Action = message.Redrive
			err = d.trySettle(work, h)
			continue
		}
		left := time.Until(d.settleBy(h, begun))
		if receiver.ClassOf(err) == receiver.Broken || left <= 0 {
			return errors.Join(errUnsettled, err)
		}
		time.Sleep(min(retry.NextBackOff(), left))
		err = d.trySettle(work, h)
	}
	return err
}

func (d *Dispatcher) trySettle(work context.Context, h *hand) (err error) {
	ctx := d.patience.context(work)
	if p := contain(func() { err = d.o.Receiver.Settle(ctx, h.m, h.outcome) }); p != nil {
		d.o.Observe(Event{Kind: Panicked, Message: h.m, Err: p})
		return p
	}
	return err
}

// settleBy is when to give up settling h.
func (d *Dispatcher) settleBy(h *hand, begun time.Time) time.Time {
	by := begun.Add(settleAtLeast)
	if expires := h.m.Expires(); expires.After(by) {
		by = expires
	}
	if last := d.lastCall.Load(); last != 0 && by.UnixNano() > last {
		by = time.Unix(0, last)
	}
	return by
}

// giveBack returns messages that were never posted, the last one first, each
// when the one behind it is back: so a group keeps its order. What the worker accepted
// before is removed instead.
func (d *Dispatcher) giveBack(work context.Context, unposted []*hand) {
	for i := len(unposted) - 1; i >= 0; i-- {
		h := unposted[i]
		if h.outcome = (message.Outcome{}); d.accepted.has(h.m.ID) {
			h.outcome = d.acceptedBefore(h)
		}
		_ = d.end(work, h, false)
	}
}

// acceptedBefore is the outcome of a message that the worker accepted before.
func (d *Dispatcher) acceptedBefore(h *hand) message.Outcome {
	d.o.Observe(Event{Kind: Redelivered, Message: h.m, Outcome: removal()})
	return removal()
}

// removal is the outcome by which a message that was accepted before leaves the queue.
func removal() message.Outcome {
	return message.Outcome{Verdict: message.Delivered, Reason: "accepted before"}
}
