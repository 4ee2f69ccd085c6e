package dispatch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"carrier/internal/contain"
	"carrier/message"
	"carrier/receiver"
)

const (
	// settleTimeout is the most time given to one try to settle; a try has up to a second less,
	// since tries that begin within a second share a context.
	settleTimeout = 10 * time.Second
	// settleAtLeast is how long settling is tried even if the lease is over: the source may still
	// agree.
	settleAtLeast = 5 * time.Second
	// settleGrace is how long settling may go on past the end of the drain time.
	settleGrace = 5 * time.Second
)

// errUnsettled is how a message ends whose settlement nobody can vouch for.
var errUnsettled = errors.New("not settled before its lease ended")

// errAbandoned is how a message ends that the worker had not answered for when the drain time was
// over.
var errAbandoned = errors.New("left to its lease: no answer before the drain time was over")

// settleHead settles the head of a lane (or a message without a group), and those that ended with it,
// or lets it go where its lease was lost or the worker was cut off, and reports whether the source
// confirmed that all of them have left the queue. What waits behind a head that stays in the queue is given back first.
func (d *Dispatcher) settleHead(working context.Context, m *delivery, lost bool) (confirmed bool) {
	if !m.outcome.Ends() {
		d.giveBack(working, d.lanes.takeTail(m))
		m.tailReturned = true
	}
	var all sync.WaitGroup
	var unconfirmed atomic.Bool
	for _, other := range m.along {
		all.Go(func() {
			if d.release(working, other, false) != nil {
				unconfirmed.Store(true)
			}
		})
	}
	err := d.release(working, m, lost)
	all.Wait()
	return err == nil && m.outcome.Ends() && !unconfirmed.Load()
}

// giveBack returns messages that were never posted, the last one first, each when the one behind it
// is back: so a group keeps its order. One whose end was decided before is removed instead, and what
// was decided in the batch of another one holds.
func (d *Dispatcher) giveBack(working context.Context, unposted []*delivery) {
	for i := len(unposted) - 1; i >= 0; i-- {
		m := unposted[i]
		if !m.decided {
			m.outcome = message.Outcome{}
		}
		if d.registry.ended.has(m.ID) {
			m.outcome = d.endedBefore(m)
		}
		_ = d.release(working, m, false)
	}
}

// release ends m's lease as its outcome says, if there is still something to settle, and its time
// in flight.
func (d *Dispatcher) release(working context.Context, m *delivery, lost bool) (err error) {
	d.leases.Stop(&m.lease)
	m.released = time.Now()
	defer d.demand.Settle()
	defer d.fulfill(m)
	switch {
	case lost:
		err = receiver.ErrLeaseLost
	case working.Err() != nil && !m.unposted && m.outcome.Verdict == message.Retry && m.outcome.Status == 0:
		err = errAbandoned
	case m.Lost() && m.outcome.Verdict != message.Delivered:
		err = receiver.ErrLeaseLost // it is back in the queue, or another consumer has it
	default:
		err = d.settleUntilAgreed(working, m)
	}
	m.settled = err == nil
	d.o.Observe(Event{Kind: Settled, Message: m.Message, Outcome: m.outcome, Took: time.Since(m.released), Err: err})
	d.registry.remove(m, err)
	return err
}

// settleUntilAgreed tells the source what became of m, again and again until it agrees or the lease
// is over. It is not ended by the stop.
func (d *Dispatcher) settleUntilAgreed(working context.Context, m *delivery) error {
	begun := time.Now()
	err := d.settleOnce(working, m)
	if err == nil || errors.Is(err, receiver.ErrLeaseLost) {
		return err
	}
	retry := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0),
	)
	for err != nil && !errors.Is(err, receiver.ErrLeaseLost) {
		d.o.Observe(Event{Kind: SettleFailed, Message: m.Message, Outcome: m.outcome, Err: err})
		if errors.Is(err, receiver.ErrNoDeadLetter) && m.outcome.Action == message.DeadLetter {
			m.outcome.Action = message.Redrive
			err = d.settleOnce(working, m)
			continue
		}
		left := time.Until(d.settleBy(m, begun))
		if receiver.ClassOf(err) == receiver.Broken || left <= 0 {
			return errors.Join(errUnsettled, err)
		}
		time.Sleep(min(retry.NextBackOff(), left))
		err = d.settleOnce(working, m)
	}
	return err
}

// settleOnce makes one try to settle m.
func (d *Dispatcher) settleOnce(working context.Context, m *delivery) (err error) {
	ctx := d.contexts.next(working)
	panicked := contain.Call(func() error {
		err = d.o.Receiver.Settle(ctx, m.Message, m.outcome)
		return nil
	})
	if panicked != nil {
		d.o.Observe(Event{Kind: Panicked, Message: m.Message, Err: panicked})
		return panicked
	}
	return err
}

// settleBy is when to give up settling m.
func (d *Dispatcher) settleBy(m *delivery, begun time.Time) time.Time {
	by := begun.Add(settleAtLeast)
	if expires := m.Expires(); expires.After(by) {
		by = expires
	}
	if deadline := d.settleDeadline.Load(); deadline != 0 && by.UnixNano() > deadline {
		by = time.Unix(0, deadline)
	}
	return by
}

// endedBefore is the outcome of a message whose end was decided before.
func (d *Dispatcher) endedBefore(m *delivery) message.Outcome {
	d.o.Observe(Event{Kind: Redelivered, Message: m.Message, Outcome: removal()})
	return removal()
}

// removal is the outcome by which a message whose end was decided before leaves the queue.
func removal() message.Outcome {
	return message.Outcome{Verdict: message.Delivered, Reason: "settled before"}
}

// settleContexts gives settlements their contexts. Those that begin within the same second share
// one: a timer and half a dozen objects for each message cost as much as its place in a batch of
// deletions. It is safe for concurrent use.
type settleContexts struct {
	mu     sync.Mutex
	shared context.Context //nolint:containedctx // shared by all settlements of one second
	until  time.Time       // from then on next makes a new one
}

// next returns a context that does not end with working, but when the time for a try to settle is
// over.
func (c *settleContexts) next(working context.Context) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !now.Before(c.until) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(working), settleTimeout)
		context.AfterFunc(ctx, cancel) // it is shared: nobody knows who needs it last
		c.shared, c.until = ctx, now.Add(time.Second)
	}
	return c.shared
}
