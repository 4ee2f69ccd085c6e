// Package demand says when a receive is worth making, and for how many messages it may ask. Demand
// is charged before anything is received: what open receives were asked to bring, and what came and
// is not with the worker, has taken its part of what the worker and the application can take.
package demand

import (
	"sync"

	"carrier/dispatch/share"
)

// Auto lets the pace of the work decide how many messages to receive ahead.
const Auto = -1

const (
	// minOpen is how many receives are open while messages come, but do not pile up: one waits at
	// the source while the other's answer is on its way.
	minOpen = 2
	// maxOpen is the most receives open at once where their number is not fixed.
	maxOpen = 32
)

// Options is what a Demand is made of.
type Options struct {
	// Concurrency is the most messages the worker holds at once; at least 1.
	Concurrency int
	// PerSlot is how many of these share a slot; zero means 1. It divides Concurrency. What the free
	// places let a receive ask for is a multiple of it, or of Batch where that is less: a few messages
	// would get a slot of their own.
	PerSlot int
	// Batch is the most messages asked for in one receive; at least 1.
	Batch int
	// Receivers is the most receives open at once; zero means as many as the pace is worth, 32 at
	// most.
	Receivers int
	// Prefetch is how many messages may wait for a slot; Auto means as many as the pace is worth.
	Prefetch int
	// Share is the route's part in a worker that several share; nil where it has one of its own.
	Share *share.Member
}

// A Demand counts what the worker could take: the free slots, what may wait beside them, and what
// open receives were already asked to bring. It is safe for concurrent use.
type Demand struct {
	concurrency int // places at the worker
	whole       int // places are asked for in so many
	batch       int // most messages asked for at once
	receivers   int // most receives open at once
	maxInFlight int // most messages received and not settled, tails of groups included
	auto        bool
	share       *share.Member
	wake        chan struct{}

	mu         sync.Mutex
	pace       pace
	paused     bool
	inFlight   int // messages received and not settled
	heads      int // the places that they want or have
	prefetch   int // how many heads may wait
	asked      int // messages that open receives have asked for
	untaken    int // messages received and not yet transmitted
	fallen     int // how often, in messages, asked and untaken have become less
	onFall     func()
	open       int  // open receives
	wantedOpen int  // how many receives should be open
	mayOpen    bool // a place at the shared worker became free: see placeFree
}

// New returns a Demand for one receive, as at an idle source.
func New(o Options) *Demand {
	receivers, usual := o.Receivers, o.Receivers
	if receivers <= 0 {
		receivers, usual = maxOpen, (o.Concurrency+9)/10
	}
	whole := min(max(o.PerSlot, 1), o.Batch)
	o.Batch -= o.Batch % whole
	d := &Demand{
		concurrency: o.Concurrency, whole: whole, batch: o.Batch, receivers: receivers,
		// A source that hands out whole runs of a group brings up to a batch behind each head;
		// more would only keep them from other consumers.
		maxInFlight: o.Batch * (o.Concurrency + max(o.Prefetch, o.Batch*usual)),
		auto:        o.Prefetch == Auto,
		pace:        pace{concurrency: o.Concurrency, whole: whole, batch: o.Batch, usual: o.Batch * usual, most: o.Batch * receivers},
		prefetch:    max(o.Prefetch, 0),
		wantedOpen:  1,
		share:       o.Share,
		wake:        make(chan struct{}, 1),
	}
	o.Share.OnFree(d.placeFree)
	return d
}

// Wake gets a value when Wanted may have become more than zero.
func (d *Demand) Wake() <-chan struct{} { return d.wake }

// Wanted says how many messages a further receive may ask for now, as far as the worker's slots
// and the number of open receives decide that.
func (d *Demand) Wanted() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted()
}

// wanted is Wanted. The lock is held. A receive beside others that are open waits until it can ask
// for a full batch: a call for a handful costs as much.
func (d *Demand) wanted() int {
	if d.paused || d.open >= d.wantedOpen || d.inFlight >= d.maxInFlight {
		return 0
	}
	free := d.concurrency + d.prefetch - d.heads - d.asked
	n := min(d.batch, free/d.whole*d.whole, d.room())
	if d.open > 0 && n < d.batch {
		return 0
	}
	return max(0, n)
}

// A Promise is how many messages were promised to the application at one moment: those that open
// receives were asked to bring, and those that came and are not transmitted.
type Promise struct {
	// Messages is how many.
	Messages int
	fallen   int
}

// Promised says what is promised now. When it becomes less, onFall is called, once, unless Promised
// was called again before; nil calls nobody. onFall must not block.
func (d *Demand) Promised(onFall func()) Promise {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onFall = onFall
	return Promise{Messages: d.asked + d.untaken, fallen: d.fallen}
}

// Peek is Promised for a caller that does not wait: whoever waits is still told.
func (d *Demand) Peek() Promise {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Promise{Messages: d.asked + d.untaken, fallen: d.fallen}
}

// Begin counts a receive and says how many messages it asks for: as many as Wanted says, and no
// more than are left of ready, which the application said after p was taken. Where that is none, no
// receive is counted.
func (d *Demand) Begin(ready int, p Promise) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	// What was transmitted since p was taken may still be counted in ready: it stays promised.
	n := min(ready-(d.asked+d.untaken+d.fallen-p.fallen), d.wanted())
	if n <= 0 {
		return 0
	}
	d.open++
	d.asked += n
	d.mayOpen = false
	return n
}

// End counts the end of a receive, whose messages have been Received, and learns from it. The caller
// may begin the next one, and calls Announce then: until it has, nobody is woken for what became free.
func (d *Demand) End(got Received) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	d.asked -= got.Asked
	d.fall(got.Asked)
	d.learn(got)
}

// Announce wakes whoever waits for demand, if there is some.
func (d *Demand) Announce() { d.change(func() {}) }

// learn notes the pace of a receive, and how many should be open after it. One that came back full
// says that there is more: another may be opened, where the work is worth it. One that brought
// something says that messages are coming; little beside many, or nothing, says that there are too
// many open. The lock is held.
func (d *Demand) learn(got Received) {
	if got.Err == nil {
		d.pace.received(got)
	}
	if d.auto {
		d.prefetch = d.pace.ahead()
	}
	switch n := len(got.Batch); {
	case n >= got.Asked:
		d.wantedOpen++
	case n == 0:
		d.wantedOpen = 1
	case n <= got.Asked/2:
		d.wantedOpen = max(d.wantedOpen-1, minOpen)
	default:
		d.wantedOpen = max(d.wantedOpen, minOpen)
	}
	d.wantedOpen = min(d.wantedOpen, d.receivers, max(d.pace.worth(), minOpen))
}

// Receive counts n messages more in flight, and not yet transmitted.
func (d *Demand) Receive(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inFlight += n
	d.untaken += n
}

// Take counts a message as with the worker, or as over: it is promised no more.
func (d *Demand) Take() { d.change(func() { d.untaken--; d.fall(1) }) }

// PutBack counts a message that was taken, and that the worker has not got, as not transmitted.
func (d *Demand) PutBack() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.untaken++
}

// Settle counts one message less in flight.
func (d *Demand) Settle() { d.change(func() { d.inFlight-- }) }

// InFlight is how many messages are received and not settled.
func (d *Demand) InFlight() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inFlight
}

// AddHead counts one more message that wants n places at the worker: one, or a whole slot of several.
func (d *Demand) AddHead(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heads += n
}

// RemoveHead counts one message less that wants n places or has them.
func (d *Demand) RemoveHead(n int) { d.change(func() { d.heads -= n }) }

// Heads is how many places messages want or have.
func (d *Demand) Heads() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.heads
}

// Pause makes Wanted say zero, or no longer.
func (d *Demand) Pause(paused bool) { d.change(func() { d.paused = paused }) }

// fall notes that n messages are promised no more. The lock is held.
func (d *Demand) fall(n int) {
	d.fallen += n
	if d.onFall != nil {
		d.onFall()
		d.onFall = nil
	}
}

// change makes a change under the lock, and wakes whoever waits for demand, if there is some.
func (d *Demand) change(f func()) {
	d.mu.Lock()
	f()
	some := d.wanted() > 0
	d.mu.Unlock()
	if !some {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}
