// Package dispatch receives messages, has them transmitted, and settles them. Nothing else in
// carrier does that.
//
// One message goes through the files in this order: receive (when and how many), the packages
// sourcebackoff and demand (what decides that), the package leases (it is kept until it is settled),
// inflight (known by its id), repeat (where it comes twice), order (one of a group at a time), slots and deliver (the
// worker's word on it), batch (the same for several at once), park (a deferral is waited for),
// settle (the source is told). Beside them, options says what a Dispatcher is made of, and event what
// is seen of it.
//
// Two contexts run through them. The one called receiving ends at the stop: from then on nothing is
// received, and what was not handed to the worker goes back. The one called working ends when the
// drain time after the stop is over: what the worker still holds is then cut off.
package dispatch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"carrier/dispatch/leases"
	"carrier/dispatch/sourcebackoff"

	"carrier/dispatch/demand"

	"carrier/internal/gopool"
)

// minSettling is how many messages may be in settlement at once, or twice as many as the worker
// holds, if that is more: a worker that answers at once does not wait for settlements, which take a
// call each.
const minSettling = 32

const (
	// heartbeat is how often the receiving loop with nothing to do notes a tick, to show that it can.
	heartbeat = 30 * time.Second
	// stuckAfter is how long it may be without a tick, or a lease without its renewal, before Live says so.
	stuckAfter = 2 * time.Minute
)

// A Dispatcher moves messages from a receiver to a transmitter and what became of them back. It is
// run once.
type Dispatcher struct {
	o        Options
	demand   *demand.Demand
	backoff  *sourcebackoff.Backoff
	leases   *leases.Renewer
	registry *registry
	lanes    *lanes
	slots    *slots
	parking  *parking
	contexts settleContexts
	settling chan struct{} // one for each message being settled
	pool     *gopool.Pool
	handling sync.WaitGroup // one for each message that is handled
	lastTick atomic.Int64   // of the receiving loop, in Unix nanoseconds; 0 while it waits for others
	asking   atomic.Int32   // see Receiving
	// settleDeadline is when settling must be over, in Unix nanoseconds; 0 before the stop.
	settleDeadline atomic.Int64
}

// New assembles a dispatcher.
func New(o Options) *Dispatcher {
	o = o.withDefaults()
	return &Dispatcher{
		o: o,
		demand: demand.New(demand.Options{
			Concurrency: o.Concurrency * o.PerSlot, PerSlot: o.PerSlot, Batch: o.Batch, Receivers: o.Receivers, Prefetch: o.Prefetch, Share: o.Share,
		}),
		backoff:  sourcebackoff.New(o.sourceChanged),
		leases:   leases.New(o.Receiver, o.extended),
		registry: newRegistry(),
		lanes:    newLanes(),
		slots:    newSlots(o.Concurrency, o.PerSlot),
		parking:  newParking(o),
		pool:     gopool.New(),
		settling: make(chan struct{}, max(2*o.Concurrency*o.PerSlot, minSettling)),
	}
}

// Run moves messages until ctx ends, and then drains: it issues no new receive, gives back what was
// not posted, and waits for what was, DrainTimeout at most. What the worker has not answered for by
// then is left to its lease. It returns nil after a drain, however that went, and the source's
// error when the source ended the run.
func (d *Dispatcher) Run(ctx context.Context) error {
	receiving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	working, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer d.leases.Close()

	idle, drained := make(chan struct{}), make(chan struct{})
	context.AfterFunc(receiving, func() {
		defer close(drained)
		d.drain(working, idle, cut)
	})

	d.receive(receiving, working, stop)
	<-receiving.Done()
	d.handling.Wait()
	close(idle)
	d.leases.Close()
	<-drained
	d.pool.Close()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(receiving)
}

// drain follows a stop: it gives back what waits in the lanes, and cuts off the work that is not done
// when the drain time is over.
func (d *Dispatcher) drain(working context.Context, idle <-chan struct{}, cut func()) {
	timer := time.NewTimer(d.o.DrainTimeout)
	defer timer.Stop()
	d.settleDeadline.Store(time.Now().Add(d.o.DrainTimeout + settleGrace).UnixNano())
	d.o.Observe(Event{Kind: Stopping})
	var returns sync.WaitGroup
	defer returns.Wait()
	for group, tail := range d.lanes.takeTails() {
		returns.Go(func() {
			d.giveBack(working, tail)
			d.lanes.returned(group)
		})
	}
	select {
	case <-idle:
	case <-timer.C:
		ids := d.registry.withWorker()
		cut()
		if len(ids) > 0 {
			d.o.Observe(Event{Kind: Abandoned, IDs: ids})
		}
	}
}

// Live returns an error when the dispatcher's loop has had no tick for two minutes, although nothing
// keeps it from one, or a lease should have been renewed for as long. It looks neither at the source
// nor at the worker.
func (d *Dispatcher) Live() error {
	if last := d.lastTick.Load(); last != 0 {
		if since := time.Since(time.Unix(0, last)); since > stuckAfter {
			return fmt.Errorf("the receiving loop has been stuck for %v", since.Round(time.Second))
		}
	}
	if late := d.leases.Overdue(); late > stuckAfter {
		return fmt.Errorf("no lease has been renewed for %v", late.Round(time.Second))
	}
	return nil
}

// Pause lets no new receive begin until Resume. What was received goes on, and Live stays good.
func (d *Dispatcher) Pause() { d.demand.Pause(true) }

// Resume ends a pause, if there is one.
func (d *Dispatcher) Resume() { d.demand.Pause(false) }

// InFlight counts the messages that were received and are not settled.
func (d *Dispatcher) InFlight() int { return d.demand.InFlight() }
