package dispatch

import (
	"context"
	"sync"
	"time"

	"carrier/dispatch/demand"
	"carrier/internal/contain"
	"carrier/internal/sleep"
	"carrier/message"
)

const (
	// stopGrace is how long a receive under way may go on after the stop: an answer on its way
	// arrives, and its messages are given back at once rather than when their leases end.
	stopGrace = time.Second
	// emptyPause is the least time from one receive that brought nothing to the next: a source that
	// does not wait for messages is not asked in a hot loop.
	emptyPause = time.Second
)

// receive opens the source and receives from it until receiving ends or the source's error is
// fatal, for which it calls stop. It returns when no receive is open.
func (d *Dispatcher) receive(receiving, working context.Context, stop context.CancelCauseFunc) {
	// In a goroutine of its own, with which its stack goes: looking for credentials, handshakes with the
	// source and the worker and the log need more of it than the loop ever does again.
	first := make(chan int, 1)
	go func() {
		n := 0
		if d.open(receiving, stop) {
			n = d.next(receiving)
		}
		first <- n
	}()
	calling, cancel := withStopGrace(receiving)
	defer cancel()
	noWait, end := context.WithCancel(receiving)
	end()
	var open sync.WaitGroup
	defer open.Wait()
	defer d.lastTick.Store(0)
	for n := <-first; n > 0; n = d.next(receiving) {
		open.Add(1)
		d.asking.Add(1)
		d.pool.Go(func() {
			defer open.Done()
			defer d.asking.Add(-1)
			for n := n; n > 0; {
				got := d.receiveOnce(calling, n)
				switch {
				case got.Err == nil && len(got.Batch) == 0:
					sleep.For(receiving, emptyPause-got.Took, nil)
				case got.Err != nil && receiving.Err() == nil && d.backoff.Failed(got.Err):
					stop(got.Err)
				}
				d.takeIn(receiving, working, got.Batch)
				d.demand.End(got)
				if n = 0; got.Err == nil {
					n = d.again(receiving, noWait)
				}
				d.demand.Announce()
			}
		})
	}
}

// Receiving reports whether the source is being asked, or waited for after an error. It is not while
// nothing is wanted of it: in a pause, or when the application, or others that share its worker, take
// no more. It is safe for concurrent use.
func (d *Dispatcher) Receiving() bool { return d.asking.Load() > 0 }

// open reaches the source, however long that takes, and reports whether it did. A source that says
// that the queue is not there, or not ours to read, ends the start.
func (d *Dispatcher) open(receiving context.Context, stop context.CancelCauseFunc) bool {
	d.asking.Add(1)
	defer d.asking.Add(-1)
	for receiving.Err() == nil {
		err := contain.Call(func() error { return d.o.Receiver.Open(receiving) })
		switch {
		case err == nil:
			d.backoff.Opened()
			return true
		case receiving.Err() != nil:
			return false
		case d.backoff.Failed(err):
			stop(err)
			return false
		}
		d.backoff.Wait(receiving)
	}
	return false
}

// next waits until a receive is wanted and the application can take more than it was promised, and
// says how many the receive that it has begun may ask for. Only one goroutine calls it. It returns 0
// when receiving ends.
func (d *Dispatcher) next(receiving context.Context) int {
	for receiving.Err() == nil {
		d.lastTick.Store(time.Now().UnixNano())
		if d.demand.Wanted() == 0 {
			sleep.For(receiving, heartbeat, d.demand.Wake())
			continue
		}
		d.lastTick.Store(0) // the source or the worker may be away for long
		d.asking.Add(1)
		d.backoff.Wait(receiving)
		d.asking.Add(-1)
		if n := d.begin(receiving); n > 0 {
			return n
		}
	}
	return 0
}

// begin waits until the application can take more than it was promised, and begins a receive. It
// returns 0 when the promise has become less while it waited: what is left has to be counted anew.
func (d *Dispatcher) begin(receiving context.Context) int {
	waiting, cancel := context.WithCancel(receiving)
	defer cancel()
	promise := d.demand.Promised(cancel)
	ready, err := d.ready(waiting, promise.Messages)
	if err != nil || receiving.Err() != nil { // Ready answers also where its context has ended
		return 0
	}
	return d.demand.Begin(ready, promise)
}

// again begins a further receive where the last one of a goroutine has just ended. It waits for
// nothing, since noWait has ended: it returns 0 where no further receive is wanted, or the
// application can take no more now. So the source is asked again before what came is handled, and
// without waking the goroutine of next.
func (d *Dispatcher) again(receiving, noWait context.Context) int {
	if d.demand.Wanted() == 0 {
		return 0
	}
	promise := d.demand.Peek()
	ready, err := d.ready(noWait, promise.Messages)
	if err != nil || receiving.Err() != nil {
		return 0
	}
	return d.demand.Begin(ready, promise)
}

// ready waits until the transmitter can take more than promised messages, and returns how many in
// all. A panic there counts as ready for one more: the attempt that follows will tell.
func (d *Dispatcher) ready(ctx context.Context, promised int) (n int, err error) {
	panicked := contain.Call(func() error {
		n, err = d.o.Transmitter.Ready(ctx, promised)
		return nil
	})
	if panicked != nil {
		d.o.Observe(Event{Kind: Panicked, Err: panicked})
		sleep.For(ctx, time.Second, nil)
		return promised + 1, ctx.Err()
	}
	return n, err
}

// receiveOnce makes one receive for at most n messages.
func (d *Dispatcher) receiveOnce(calling context.Context, n int) demand.Received {
	got := demand.Received{Asked: n, Begun: time.Now()}
	panicked := contain.Call(func() error {
		got.Batch, got.Err = d.o.Receiver.Receive(calling, n)
		return nil
	})
	got.Took = time.Since(got.Begun)
	if panicked != nil {
		d.o.Observe(Event{Kind: Panicked, Err: panicked})
		got.Batch, got.Err = nil, panicked
		return got
	}
	if got.Err == nil || len(got.Batch) > 0 {
		d.o.Observe(Event{Kind: Polled, Count: len(got.Batch)})
	}
	if got.Err == nil {
		d.backoff.Succeeded()
	}
	return got
}

// takeIn has the leases of what was received renewed, and admits it. After the stop it is given
// back, the last one first.
func (d *Dispatcher) takeIn(receiving, working context.Context, batch []*message.Message) {
	d.demand.Receive(len(batch))
	taken := make([]*delivery, len(batch))
	for i, m := range batch {
		taken[i] = &delivery{Message: m, unposted: true, promised: true}
		d.leases.Start(&taken[i].lease, m)
	}
	if receiving.Err() != nil {
		d.giveBack(working, taken)
		return
	}
	d.admit(receiving, working, taken...)
}

// withStopGrace returns a context that ends stopGrace after receiving does.
func withStopGrace(receiving context.Context) (context.Context, context.CancelFunc) {
	calling, cancel := context.WithCancel(context.WithoutCancel(receiving))
	unhook := context.AfterFunc(receiving, func() {
		sleep.For(calling, stopGrace, nil)
		cancel()
	})
	return calling, func() { unhook(); cancel() }
}
