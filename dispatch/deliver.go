package dispatch

import (
	"context"
	"time"

	"carrier/message"
)

// unreachedPause spaces the attempts to reach a worker that refuses connections
// although it was said to be ready.
const unreachedPause = 100 * time.Millisecond

// handle sees h through to the end of its lease, and after it what waits behind
// it in its lane, one at a time.
func (d *Dispatcher) handle(ctx, work context.Context, h *hand) {
	for h != nil {
		lost := d.deliver(ctx, work, h)
		confirmed := d.finish(work, h, lost)
		<-d.settling
		h = d.following(work, h, confirmed)
	}
}

// deliver waits for a slot and hands h to the worker, unless that has accepted it before. When it returns the slot is
// free again and h holds a place among those being settled. It reports whether
// the lease was lost before the message could be posted.
func (d *Dispatcher) deliver(ctx, work context.Context, h *hand) (lost bool) {
	if h.accepted {
		d.settling <- struct{}{}
		return false
	}
	defer d.demand.release()
	if d.slots.wait(ctx, &h.turn) {
		defer d.slots.leave()
		h.outcome, lost = d.transmit(ctx, work, h)
	}
	// The slot is kept until there is room to settle: a source that is slow to
	// settle slows the worker down instead of piling up what is done.
	d.settling <- struct{}{}
	return lost
}

// transmit hands h to the worker until there is a word on it. It gives up with
// the zero outcome when ctx ends before it was posted.
func (d *Dispatcher) transmit(ctx, work context.Context, h *hand) (o message.Outcome, lost bool) {
	for {
		if _, err := d.ready(ctx); err != nil || ctx.Err() != nil {
			return message.Outcome{}, false
		}
		if h.lease.lapsed() {
			return message.Outcome{}, true
		}
		if o, known := d.leftMeanwhile(h); known {
			return o, false
		}
		if o = d.post(work, h); o.Verdict != message.Retry || o.Cause != message.Unreached {
			return o, false
		}
		h.unposted = true
		pause(ctx, unreachedPause, nil)
	}
}

// leftMeanwhile reports whether an earlier hand-out of h's message has left the queue while this
// one waited behind it, and as what: that becomes of h too, without a post.
func (d *Dispatcher) leftMeanwhile(h *hand) (o message.Outcome, left bool) {
	if h.first == nil {
		return message.Outcome{}, false
	}
	<-h.first.over // it was ahead in the lane
	if o = h.first.outcome; o.Ends() {
		d.o.Observe(Event{Kind: Redelivered, Message: h.m, Outcome: o})
	}
	return o, o.Ends()
}

// post makes one attempt. A panic becomes a retry.
func (d *Dispatcher) post(work context.Context, h *hand) (o message.Outcome) {
	d.hands.post(h)
	defer d.hands.answered(h)
	h.unposted = false
	begun := time.Now()
	err := contain(func() { o = d.o.Transmitter.Transmit(work, h.m) })
	if err != nil {
		o = message.Outcome{Cause: message.Failed, Code: "error", Reason: "the transmitter panicked"}
		d.o.Observe(Event{Kind: Panicked, Message: h.m, Err: err})
	}
	took := time.Since(begun)
	if o.Cause != message.Unreached {
		d.pace.attempted(took)
	}
	d.o.Observe(Event{Kind: Attempted, Message: h.m, Outcome: o, Took: took})
	return o
}

// ready waits for the transmitter. A panic there counts as ready: the attempt
// that follows will tell.
func (d *Dispatcher) ready(ctx context.Context) (n int, err error) {
	if p := contain(func() { n, err = d.o.Transmitter.Ready(ctx) }); p != nil {
		d.o.Observe(Event{Kind: Panicked, Err: p})
		pause(ctx, time.Second, nil)
		return 1, ctx.Err()
	}
	return n, err
}

// following is the message behind h in its lane whose turn it now is, if any.
// Unless h is confirmed to have left the queue, what waits behind it goes back:
// posting it would put it before h. Where that was done before h was settled, what
// has come since was handed out after h went back, and is in order.
func (d *Dispatcher) following(work context.Context, h *hand, confirmed bool) *hand {
	inOrder := confirmed || h.tailReturned
	for {
		if !inOrder {
			d.giveBack(work, d.lanes.takeTail(h))
		}
		next := d.lanes.next(h)
		if next == nil {
			return nil
		}
		if inOrder {
			d.queue(next)
			return next
		}
		d.giveBack(work, []*hand{next}) // came between the two
	}
}

// follow waits until the earlier hand-out of h's message is no longer in hand. What
// became of that one becomes of h, without a second post. If it was never posted, or
// was given back, h is a hand-out of its own: a source may hand out what was given
// back before we have noted that it agreed.
func (d *Dispatcher) follow(ctx, work context.Context, first, h *hand) {
	<-first.over
	givenBack := first.settled && !first.outcome.Ends()
	if (first.unposted || givenBack) && ctx.Err() == nil {
		d.admit(ctx, work, h)
		return
	}
	d.o.Observe(Event{Kind: Redelivered, Message: h.m})
	switch {
	case d.accepted.has(h.m.ID):
		h.outcome = removal()
	case !givenBack:
		h.outcome = first.outcome
	}
	h.unposted = first.unposted || givenBack
	d.finish(work, h, false)
}
