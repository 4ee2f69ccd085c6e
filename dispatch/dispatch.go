// Package dispatch receives messages, has them transmitted, and settles them.
// Nothing else in carrier does that.
package dispatch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/gopool"
)

// settlingAtLeast is how many messages may be in settlement at once, or twice as many as
// the worker holds, if that is more: a worker that answers at once is not to wait for
// settlements, which take a call each.
const settlingAtLeast = 32

// stuckAfter is how long a loop may not turn before Live says so. Every loop
// turns at least once a pulse, but for a call that takes its time.
const stuckAfter = 2 * time.Minute

// A Dispatcher moves messages from a receiver to a transmitter and what became
// of them back. It is run once.
type Dispatcher struct {
	o        Options
	demand   *demand
	pace     *pace
	leases   *keeper
	hands    *hands
	lanes    *lanes
	trouble  *trouble
	accepted *acceptedIDs
	slots    *slots
	patience patience
	settling chan struct{} // one for each message being settled
	crew     *gopool.Pool
	busy     sync.WaitGroup // one for each message that is handled
	turned   atomic.Int64   // when the receiving loop last turned, in Unix nanoseconds; 0 while it waits for others
	lastCall atomic.Int64   // when settling must be over, in Unix nanoseconds; 0 before the stop
}

// New assembles a dispatcher.
func New(o Options) *Dispatcher {
	o = o.withDefaults()
	return &Dispatcher{
		o:        o,
		demand:   newDemand(o),
		pace:     &pace{concurrency: o.Concurrency, limit: o.Batch * o.Receivers, receives: o.Receivers},
		leases:   newKeeper(o.Receiver, o.Observe),
		hands:    newHands(),
		lanes:    newLanes(),
		trouble:  newTrouble(o.Observe),
		accepted: newAcceptedIDs(),
		slots:    newSlots(o.Concurrency),
		crew:     gopool.New(),
		settling: make(chan struct{}, max(2*o.Concurrency, settlingAtLeast)),
	}
}

// Run moves messages until ctx ends, and then drains: it issues no new receive,
// gives back what was not posted, and waits for what was, DrainTimeout at most.
// What the worker has not answered for by then is left to its lease. It returns
// nil after a drain, however that went, and the source's error when the source
// ended the run.
func (d *Dispatcher) Run(parent context.Context) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()

	keeping, release := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { d.leases.run(keeping) })
	idle := make(chan struct{})
	loops.Go(func() { d.drain(ctx, work, idle, cut) })

	d.receive(ctx, work, stop)
	<-ctx.Done()
	d.busy.Wait()
	close(idle)
	release()
	loops.Wait()
	d.crew.Close()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// drain waits for the stop, gives back what waits in the lanes, and cuts off
// the work that is not done when the drain time is over.
func (d *Dispatcher) drain(ctx, work context.Context, idle <-chan struct{}, cut func()) {
	<-ctx.Done()
	d.o.Observe(Event{Kind: Stopping})
	d.lastCall.Store(time.Now().Add(d.o.DrainTimeout + settleGrace).UnixNano())
	var returns sync.WaitGroup
	defer returns.Wait()
	for _, tail := range d.lanes.takeTails() {
		returns.Go(func() { d.giveBack(work, tail) })
	}
	timer := time.NewTimer(d.o.DrainTimeout)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
		if ids := d.hands.posted(); len(ids) > 0 {
			d.o.Observe(Event{Kind: Abandoned, IDs: ids})
		}
		cut()
	}
}

// Live returns an error when one of the dispatcher's loops has not turned for
// two minutes, although nothing keeps it from turning. It looks neither at the
// source nor at the worker.
func (d *Dispatcher) Live() error {
	loops := map[string]*atomic.Int64{"receiving": &d.turned, "renewing": &d.leases.turned}
	for name, turned := range loops {
		last := turned.Load()
		if since := time.Since(time.Unix(0, last)); last != 0 && since > stuckAfter {
			return fmt.Errorf("the %s loop has not turned for %v", name, since.Round(time.Second))
		}
	}
	return nil
}

// InHand counts the messages that were received and are not settled.
func (d *Dispatcher) InHand() int { return d.leases.inHand() }
