package dispatch

import (
	"context"
	"time"

	"carrier/internal/contain"
	"carrier/internal/sleep"
	"carrier/message"
)

// unreachedPause spaces the attempts to reach a worker that refuses connections although it was
// said to be ready.
const unreachedPause = 100 * time.Millisecond

// deliver hands m to the worker, unless what becomes of it was decided before, and again after each
// deferral that is parked. When it returns the slot is free again and m holds a place among those
// being settled. It reports whether the lease was lost before the message could be posted.
func (d *Dispatcher) deliver(receiving, working context.Context, m *delivery) (lost bool) {
	if m.ended {
		m.outcome = d.endedBefore(m)
	}
	if m.ended || m.decided {
		d.settling <- struct{}{}
		return false
	}
	for {
		switch d.attempt(receiving, working, m) {
		case toSettle:
			return m.lapsed
		case toPark:
			d.observe(Parked, m, 0)
			if !d.parking.wait(receiving, m) {
				d.settling <- struct{}{}
				return false
			}
		case toQueue:
			if unreached(&m.outcome) {
				sleep.For(receiving, unreachedPause, nil)
			}
			m.outcome, m.again = message.Outcome{}, false
		}
		d.promise(m)
		d.queue(m)
	}
}

// A step is what follows an attempt.
type step uint8

const (
	toSettle step = iota // m holds a place among those being settled
	toPark               // it waits under its lease
	toQueue              // it waits for a slot once more
)

// attempt waits for a slot and hands m to the worker, or has it handed over by another one whose slot
// it shares.
func (d *Dispatcher) attempt(receiving, working context.Context, m *delivery) step {
	defer d.demand.RemoveHead(d.places(m))
	if d.slots.wait(receiving, &m.ticket) {
		switch {
		case m.ticket.answered != nil:
			<-m.ticket.answered
		case d.o.PerSlot > 1:
			defer d.slots.free()
			d.transmitBatch(receiving, working, m)
		default:
			defer d.slots.free()
			d.transmit(receiving, working, m)
		}
		switch {
		case m.again:
			return toQueue
		case d.parking.take(&m.outcome):
			return toPark
		}
	}
	// The slot is kept until there is room to settle: a source that is slow to settle slows the
	// worker down instead of piling up what is done.
	d.settling <- struct{}{}
	return toSettle
}

// transmit hands m to the worker until its outcome is known. It gives up with the zero outcome when
// receiving ends before it was posted. Outcomes are written where m keeps them, and not returned: each
// copy takes its place on the stack of every message in flight.
func (d *Dispatcher) transmit(receiving, working context.Context, m *delivery) {
	for {
		m.outcome = message.Outcome{}
		if _, err := d.ready(receiving, 0); err != nil || receiving.Err() != nil {
			return
		}
		if m.lapsed = m.Lapsed(); m.lapsed {
			return
		}
		if d.earlierEnded(m) {
			return
		}
		d.postInPlace(receiving, working, m)
		if m.lapsed || !unreached(&m.outcome) {
			return
		}
		d.promise(m)
		sleep.For(receiving, unreachedPause, nil)
	}
}

func unreached(o *message.Outcome) bool {
	return o.Verdict == message.Retry && o.Cause == message.Unreached
}

// postInPlace makes one attempt in a place at the shared worker, where there is one, and waits for
// that place. When receiving ends first, or the lease, nothing is posted.
func (d *Dispatcher) postInPlace(receiving, working context.Context, m *delivery) {
	if !d.o.Share.Acquire(receiving) {
		return
	}
	defer d.o.Share.Release()
	if receiving.Err() != nil {
		return
	}
	if m.lapsed = m.Lapsed(); m.lapsed {
		return
	}
	d.post(working, m)
	// What was cut off before it was handed over goes back at once, like what was never tried.
	m.unposted = handedNothing(&m.outcome)
}

// promise counts m among what the application can still expect, until fulfill, if it is not yet.
func (d *Dispatcher) promise(m *delivery) {
	if m.promised {
		return
	}
	m.promised = true
	d.demand.PutBack()
}

// fulfill ends the promise of m, if there is one: it is transmitted, or will not be.
func (d *Dispatcher) fulfill(m *delivery) {
	if m.promised {
		m.promised = false
		d.demand.Take()
	}
}

// post makes one attempt. A panic becomes a retry.
func (d *Dispatcher) post(working context.Context, m *delivery) {
	d.registry.post(m)
	defer d.registry.answered(m)
	m.unposted = false
	d.fulfill(m)
	begun := time.Now()
	panicked := contain.Call(func() error {
		m.outcome = d.o.Transmitter.Transmit(working, m.Message)
		return nil
	})
	if panicked != nil {
		d.panicked(m, panicked)
	}
	d.attempted(m, begun)
}

// panicked notes and tells that the transmitter panicked with m.
func (d *Dispatcher) panicked(m *delivery, err error) {
	m.outcome = transmitterPanicked()
	d.o.Observe(Event{Kind: Panicked, Message: m.Message, Err: err})
}

func transmitterPanicked() message.Outcome {
	return message.Outcome{Cause: message.Failed, Code: "error", Reason: "the transmitter panicked"}
}

// attempted tells of an attempt with m that is over, and notes when it was made.
func (d *Dispatcher) attempted(m *delivery, begun time.Time) {
	took, o := time.Since(begun), &m.outcome
	if o.Cause != message.Unreached {
		d.demand.Attempted(took)
	}
	if o.Attempted.IsZero() && o.Code != "" && o.Cause != message.Unreached {
		o.Attempted, o.Took = begun, took
	}
	if !o.Attempted.IsZero() {
		took = o.Took // a transmitter that made several attempts tells of the others itself
	}
	d.observe(Attempted, m, took)
}

// observe tells of something that took some time and of which m's outcome is a part. Were it inlined,
// its event would lie on the stack of every message that is being posted.
//
//go:noinline
func (d *Dispatcher) observe(kind Kind, m *delivery, took time.Duration) {
	d.o.Observe(Event{Kind: kind, Message: m.Message, Outcome: m.outcome, Took: took})
}
