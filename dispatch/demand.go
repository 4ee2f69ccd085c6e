package dispatch

import (
	"sync"
	"time"
)

// minOpenReceives is how many receives are open while messages come, but do not pile up: one waits
// at the source while the other's answer is on its way.
const minOpenReceives = 2

// demand counts what the worker could take: the free slots, what may wait beside them, and what
// open receives were already asked to bring. It is safe for concurrent use.
type demand struct {
	concurrency int // slots
	batch       int // most messages asked for at once
	receivers   int // most receives open at once
	maxInFlight int // most messages received and not settled, tails of groups included
	auto        bool
	estimate    prefetchEstimate

	mu         sync.Mutex
	inFlight   int // messages received and not settled
	heads      int // of them, those that wait for a slot or have one
	prefetch   int // how many heads may wait
	asked      int // messages that open receives have asked for
	open       int // open receives
	wantedOpen int // how many receives should be open
	wake       chan struct{}
}

func newDemand(o Options) *demand {
	return &demand{
		concurrency: o.Concurrency, batch: o.Batch, receivers: o.Receivers,
		// A source that hands out whole runs of a group brings up to a batch behind each head;
		// more would only keep them from other consumers.
		maxInFlight: o.Batch * (o.Concurrency + max(o.Prefetch, o.Batch*o.Receivers)),
		auto:        o.Prefetch == Auto,
		estimate:    prefetchEstimate{concurrency: o.Concurrency, limit: o.Batch * o.Receivers, receivers: o.Receivers},
		prefetch:    max(o.Prefetch, 0),
		wantedOpen:  1,
		wake:        make(chan struct{}, 1),
	}
}

// free says how many messages a further receive may ask for now.
func (d *demand) free() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted()
}

// wanted is free. The lock is held.
func (d *demand) wanted() int {
	if d.open >= d.wantedOpen || d.inFlight >= d.maxInFlight {
		return 0
	}
	return max(0, min(d.batch, d.concurrency+d.prefetch-d.heads-d.asked))
}

// begin counts a receive that asks for as many messages as free says, ready at most, and says for
// how many. Where that is none, none is counted.
func (d *demand) begin(ready int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(ready, d.wanted())
	if n > 0 {
		d.open++
		d.asked += n
	}
	return n
}

// end counts the end of a receive, and learns from it how many should be open. One that came back
// full says that there is more: another may be opened. One that brought something says that
// messages are coming; little beside many, or nothing, says that there are too many.
func (d *demand) end(got received) {
	if d.auto && got.err == nil {
		d.estimate.received(got)
	}
	ahead := d.estimate.ahead()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.auto {
		d.prefetch = ahead
	}
	d.open--
	d.asked -= got.asked
	switch n := len(got.batch); {
	case n >= got.asked:
		d.wantedOpen++
	case n == 0:
		d.wantedOpen = 1
	case n <= got.asked/4:
		d.wantedOpen = max(d.wantedOpen-1, minOpenReceives)
	default:
		d.wantedOpen = max(d.wantedOpen, minOpenReceives)
	}
	d.wantedOpen = min(d.wantedOpen, d.receivers)
}

// addInFlight counts n messages more in flight.
func (d *demand) addInFlight(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inFlight += n
}

// attempted notes how long one attempt took.
func (d *demand) attempted(took time.Duration) { d.estimate.attempted(took) }

// settled counts one message less in flight.
func (d *demand) settled() {
	d.mu.Lock()
	full := d.inFlight >= d.maxInFlight
	d.inFlight--
	d.mu.Unlock()
	if full {
		d.changed()
	}
}

// countInFlight is how many messages are in flight.
func (d *demand) countInFlight() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inFlight
}

// addHead counts one more message that wants a slot.
func (d *demand) addHead() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heads++
}

// removeHead counts one message less that wants or has a slot.
func (d *demand) removeHead() {
	d.mu.Lock()
	d.heads--
	d.mu.Unlock()
	d.changed()
}

// changed makes next look again, unless as many receives are open as should be: it would look in
// vain at every message that is done.
func (d *demand) changed() {
	d.mu.Lock()
	enough := d.open >= d.wantedOpen
	d.mu.Unlock()
	if enough {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
