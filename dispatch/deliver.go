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

// deliver waits for a slot and hands m to the worker, unless its end was decided before. When it
// returns the slot is free again and m holds a place among those being settled. It reports whether
// the lease was lost before the message could be posted.
func (d *Dispatcher) deliver(receiving, working context.Context, m *delivery) (lost bool) {
	if m.ended {
		m.outcome = d.endedBefore(m)
		d.settling <- struct{}{}
		return false
	}
	defer d.demand.RemoveHead()
	if d.slots.wait(receiving, &m.ticket) {
		defer d.slots.free()
		m.outcome, lost = d.transmit(receiving, working, m)
	}
	// The slot is kept until there is room to settle: a source that is slow to settle slows the
	// worker down instead of piling up what is done.
	d.settling <- struct{}{}
	return lost
}

// transmit hands m to the worker until its outcome is known. It gives up with the zero outcome when
// receiving ends before it was posted.
func (d *Dispatcher) transmit(receiving, working context.Context, m *delivery) (o message.Outcome, lost bool) {
	for {
		if _, err := d.ready(receiving, 0); err != nil || receiving.Err() != nil {
			return message.Outcome{}, false
		}
		if m.lease.lapsed() {
			return message.Outcome{}, true
		}
		if o, ended := d.earlierEnded(m); ended {
			return o, false
		}
		o = d.post(working, m)
		// What was cut off before it was handed over goes back at once, like what was never tried.
		m.unposted = o.Verdict == message.Retry && (o.Cause == message.Unreached || o.Cause == message.Returned)
		if o.Verdict != message.Retry || o.Cause != message.Unreached {
			return o, false
		}
		d.promise(m)
		sleep.For(receiving, unreachedPause, nil)
	}
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
	if o.Code != "" && o.Cause != message.Unreached {
		o.Attempted = begun
	}
	took := time.Since(begun)
	if o.Cause != message.Unreached {
		d.demand.Attempted(took)
	}
	d.o.Observe(Event{Kind: Attempted, Message: m.Message, Outcome: o, Took: took})
	return o
}
