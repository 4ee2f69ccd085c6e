package dispatch

import (
	"context"
	"sync"
	"time"
)

// demand counts what the worker could take: the free slots, what may wait in
// hand beside them, and what open receives were already asked to bring.
type demand struct {
	most     int // slots
	batch    int // most messages asked for at once
	pollsMax int // most receives open at once
	handMax  int // most messages in hand at all, waiting tails of groups included

	mu       sync.Mutex
	waiting  int // heads in hand: waiting for a slot, or in one
	prefetch int // how many heads may wait
	promised int // asked for by open receives
	polls    int // open receives
	pollsNow int // how many receives the load is worth
	wake     chan struct{}
}

func newDemand(o Options) *demand {
	d := &demand{
		most: o.Concurrency, batch: o.Batch, pollsMax: o.Receivers,
		pollsNow: 1, wake: make(chan struct{}, 1),
	}
	d.prefetch = max(o.Prefetch, 0)
	// A source that hands out whole runs of a group brings up to a batch behind
	// each head; more than that in hand would be hoarding.
	d.handMax = o.Batch * (o.Concurrency + max(o.Prefetch, o.Batch*o.Receivers))
	return d
}

// free says how many messages a further receive may ask for now.
func (d *demand) free(inHand int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted(inHand)
}

// wanted is free. The lock is held.
func (d *demand) wanted(inHand int) int {
	if d.polls >= d.pollsNow || inHand >= d.handMax {
		return 0
	}
	return max(0, min(d.batch, d.most+d.prefetch-d.waiting-d.promised))
}

// begin counts a receive that asks for as many messages as free says, ready at most, and
// says for how many. Where that is none, none is counted.
func (d *demand) begin(inHand, ready int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(ready, d.wanted(inHand))
	if n > 0 {
		d.polls++
		d.promised += n
	}
	return n
}

// end counts the end of a receive that asked for n and brought got, and learns from it
// how many the load is worth. One that came back full says that there is more: another
// may be opened. One that brought something says that messages are coming: two, so
// that one is waiting at the source while the other's answer is on its way. One that
// brought little beside many, or nothing, says that there are too many.
func (d *demand) end(n, got int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.polls--
	d.promised -= n
	switch {
	case got >= n:
		d.pollsNow++
	case got == 0:
		d.pollsNow = 1
	case got <= n/4:
		d.pollsNow = max(d.pollsNow-1, steady)
	default:
		d.pollsNow = max(d.pollsNow, steady)
	}
	d.pollsNow = min(d.pollsNow, d.pollsMax)
}

// steady is how many receives are open while messages come, but do not pile up.
const steady = 2

// hold counts one more message that wants a slot.
func (d *demand) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting++
}

// release counts one message less that wants or has a slot.
func (d *demand) release() {
	d.mu.Lock()
	d.waiting--
	d.mu.Unlock()
	d.changed()
}

// allow sets how many heads may wait in hand.
func (d *demand) allow(prefetch int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.prefetch = prefetch
}

// changed makes next look again, unless as many receives are open as the load is worth:
// it would look in vain at every message that is done.
func (d *demand) changed() {
	d.mu.Lock()
	open := d.polls >= d.pollsNow
	d.mu.Unlock()
	if open {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// next waits until a receive is wanted and the worker can take a message, and
// says how many the receive that it has begun may ask for. Only one goroutine calls it.
// It returns 0 when ctx ends.
func (d *Dispatcher) next(ctx context.Context) int {
	for ctx.Err() == nil {
		d.turned.Store(time.Now().UnixNano())
		if d.demand.free(d.leases.inHand()) == 0 {
			pause(ctx, pulse, d.demand.wake)
			continue
		}
		d.turned.Store(0) // the source may be in trouble, or the worker away for long
		d.trouble.wait(ctx)
		ready, err := d.ready(ctx)
		if err != nil {
			continue
		}
		if n := d.demand.begin(d.leases.inHand(), ready); n > 0 {
			return n
		}
	}
	return 0
}

// again is next for who has just received, with err: it looks once, and returns 0 where
// no receive is to follow. So the source is asked again before what came is handled, and
// without waking the goroutine of next.
func (d *Dispatcher) again(ctx context.Context, err error) int {
	defer d.demand.changed()
	if err != nil || ctx.Err() != nil || d.demand.free(d.leases.inHand()) == 0 {
		return 0
	}
	ready, err := d.ready(ctx)
	if err != nil {
		return 0
	}
	return d.demand.begin(d.leases.inHand(), ready)
}
