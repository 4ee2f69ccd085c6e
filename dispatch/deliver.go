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

// deliver hands m to the worker, unless its end was decided before, and again after each deferral
// that is parked. When it returns the slot is free again and m holds a place among those being
// settled. It reports whether the lease was lost before the message could be posted.
func (d *Dispatcher) deliver(receiving, working context.Context, m *delivery) (lost bool) {
	if m.ended {
		m.outcome = d.endedBefore(m)
		d.settling <- struct{}{}
		return false
	}
	for {
		lost, parked := d.attempt(receiving, working, m)
		if !parked {
			return lost
		}
		d.o.Observe(Event{Kind: Parked, Message: m.Message, Outcome: m.outcome})
		if !d.parking.wait(receiving, m) {
			d.settling <- struct{}{}
			return false
		}
		d.promise(m)
		d.queue(m)
	}
}

// attempt waits for a slot and hands m to the worker. It reports whether the lease was lost before
// that, and whether m is parked now; where it is not, m holds a place among those being settled.
func (d *Dispatcher) attempt(receiving, working context.Context, m *delivery) (lost, parked bool) {
	defer d.demand.RemoveHead()
	if d.slots.wait(receiving, &m.ticket) {
		defer d.slots.free()
		m.outcome, lost = d.transmit(receiving, working, m)
		if d.parking.take(m.outcome) {
			return false, true
		}
	}
	// The slot is kept until there is room to settle: a source that is slow to settle slows the
	// worker down instead of piling up what is done.
	d.settling <- struct{}{}
	return lost, false
}

// transmit hands m to the worker until its outcome is known. It gives up with the zero outcome when
// receiving ends before it was posted.
func (d *Dispatcher) transmit(receiving, working context.Context, m *delivery) (o message.Outcome, lost bool) {
	for {
		if _, err := d.ready(receiving, 0); err != nil || receiving.Err() != nil {
			return message.Outcome{}, false
		}
		if m.Lapsed() {
			return message.Outcome{}, true
		}
		if o, ended := d.earlierEnded(m); ended {
			return o, false
		}
		if o, lost = d.postInPlace(receiving, working, m); lost || !unreached(o) {
			return o, lost
		}
		d.promise(m)
		sleep.For(receiving, unreachedPause, nil)
	}
}

func unreached(o message.Outcome) bool {
	return o.Verdict == message.Retry && o.Cause == message.Unreached
}

// postInPlace makes one attempt in a place at the shared worker, where there is one, and waits for
// that place. When receiving ends first, or the lease, nothing is posted.
func (d *Dispatcher) postInPlace(receiving, working context.Context, m *delivery) (o message.Outcome, lost bool) {
	if !d.o.Share.Acquire(receiving) {
		return message.Outcome{}, false
	}
	defer d.o.Share.Release()
	if receiving.Err() != nil {
		return message.Outcome{}, false
	}
	if m.Lapsed() {
		return message.Outcome{}, true
	}
	o = d.post(working, m)
	// What was cut off before it was handed over goes back at once, like what was never tried.
	m.unposted = unreached(o) || o.Verdict == message.Retry && o.Cause == message.Returned
	return o, false
}

// promise counts m among what the application can still expect, until fulfill.
func (d *Dispatcher) promise(m *delivery) {
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
func (d *Dispatcher) post(working context.Context, m *delivery) (o message.Outcome) {
	d.registry.post(m)
	defer d.registry.answered(m)
	m.unposted = false
	d.fulfill(m)
	begun := time.Now()
	panicked := contain.Call(func() error {
		o = d.o.Transmitter.Transmit(working, m.Message)
		return nil
	})
	if panicked != nil {
		o = message.Outcome{Cause: message.Failed, Code: "error", Reason: "the transmitter panicked"}
		d.o.Observe(Event{Kind: Panicked, Message: m.Message, Err: panicked})
	}
	took := time.Since(begun)
	if o.Cause != message.Unreached {
		d.demand.Attempted(took)
	}
	if o.Attempted.IsZero() && o.Code != "" && o.Cause != message.Unreached {
		o.Attempted, o.Took = begun, took
	}
	if !o.Attempted.IsZero() {
		took = o.Took // a transmitter that made several attempts tells of the others itself
	}
	d.o.Observe(Event{Kind: Attempted, Message: m.Message, Outcome: o, Took: took})
	return o
}
