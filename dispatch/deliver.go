package dispatch

import (
	"context"
	"sync"
	"time"

	"carrier/internal/contain"
	"carrier/internal/sleep"
	"carrier/message"
)

// unreachedPause spaces the attempts to reach a worker that refuses connections although it was
// said to be ready.
const unreachedPause = 100 * time.Millisecond

// start runs what handles a message; Run waits for its end.
func (d *Dispatcher) start(handle func()) {
	d.handling.Add(1)
	d.pool.Go(func() {
		defer d.handling.Done()
		handle()
	})
}

// queue puts a head among those that wait for a slot, unless it needs none: the worker accepted it
// before.
func (d *Dispatcher) queue(m *delivery) {
	if m.accepted {
		return
	}
	d.demand.addHead()
	d.slots.join(&m.ticket)
}

// handle sees m through to the end of its lease, and after it what waits behind it in its lane, one
// at a time.
func (d *Dispatcher) handle(receiving, working context.Context, m *delivery) {
	for m != nil {
		lost := d.deliver(receiving, working, m)
		confirmed := d.settleHead(working, m, lost)
		<-d.settling
		m = d.nextInLane(working, m, confirmed)
	}
}

// deliver waits for a slot and hands m to the worker, unless that has accepted it before. When it
// returns the slot is free again and m holds a place among those being settled. It reports whether
// the lease was lost before the message could be posted.
func (d *Dispatcher) deliver(receiving, working context.Context, m *delivery) (lost bool) {
	if m.accepted {
		m.outcome = d.acceptedBefore(m)
		d.settling <- struct{}{}
		return false
	}
	defer d.demand.removeHead()
	if d.slots.wait(receiving, &m.ticket) {
		defer d.slots.leave()
		m.outcome, lost = d.transmit(receiving, working, m)
	}
	// The slot is kept until there is room to settle: a source that is slow to settle slows the
	// worker down instead of piling up what is done.
	d.settling <- struct{}{}
	return lost
}

// transmit hands m to the worker until there is a word on it. It gives up with the zero outcome
// when receiving ends before it was posted.
func (d *Dispatcher) transmit(receiving, working context.Context, m *delivery) (o message.Outcome, lost bool) {
	for {
		if _, err := d.ready(receiving); err != nil || receiving.Err() != nil {
			return message.Outcome{}, false
		}
		if m.lease.lapsed() {
			return message.Outcome{}, true
		}
		if o, left := d.leftMeanwhile(m); left {
			return o, false
		}
		o = d.post(working, m)
		// What was cut off before it was handed over goes back at once, like what was never tried.
		m.unposted = o.Verdict == message.Retry && (o.Cause == message.Unreached || o.Cause == message.Returned)
		if o.Verdict != message.Retry || o.Cause != message.Unreached {
			return o, false
		}
		sleep.For(receiving, unreachedPause, nil)
	}
}

// post makes one attempt. A panic becomes a retry.
func (d *Dispatcher) post(working context.Context, m *delivery) (o message.Outcome) {
	d.inFlight.post(m)
	defer d.inFlight.answered(m)
	m.unposted = false
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
		d.demand.estimate.attempted(took)
	}
	d.o.Observe(Event{Kind: Attempted, Message: m.Message, Outcome: o, Took: took})
	return o
}

// slots counts the idle places at the worker and gives them out in the order in which they were
// asked for. It is safe for concurrent use.
type slots struct {
	mu      sync.Mutex
	free    int
	waiters []*ticket
	granted chan struct{} // closed: what is granted at once needs no channel of its own
}

// A ticket is one place among those that wait for a slot.
type ticket struct {
	granted chan struct{}
	left    bool
}

func newSlots(n int) *slots {
	s := &slots{free: n, granted: make(chan struct{})}
	close(s.granted)
	return s
}

// join gives t a place behind the others that wait. It is followed by wait.
func (s *slots) join(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free > 0 {
		s.free--
		*t = ticket{granted: s.granted}
		return
	}
	*t = ticket{granted: make(chan struct{})}
	s.waiters = append(s.waiters, t)
}

// wait waits for a slot and reports whether t has one, which leave frees. When receiving ends first
// it has none, and waits no more.
func (s *slots) wait(receiving context.Context, t *ticket) bool {
	select {
	case <-t.granted:
		return true
	case <-receiving.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-t.granted:
		return true
	default:
		t.left = true
		return false
	}
}

// leave frees a slot, and gives it to whoever waits longest.
func (s *slots) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	for s.free > 0 && len(s.waiters) > 0 {
		t := s.waiters[0]
		s.waiters[0] = nil
		s.waiters = s.waiters[1:]
		if !t.left {
			s.free--
			close(t.granted)
		}
	}
}
