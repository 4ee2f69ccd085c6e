package dispatch

import (
	"context"
	"sync"
	"time"

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
	if !d.open(receiving, stop) {
		return
	}
	calling, cancel := withStopGrace(receiving)
	defer cancel()
	var open sync.WaitGroup
	defer open.Wait()
	defer d.lastTick.Store(0)
	for {
		n := d.next(receiving)
		if n == 0 {
			return
		}
		open.Add(1)
		d.pool.Go(func() {
			defer open.Done()
			for n > 0 {
				got := d.receiveOnce(calling, n)
				switch {
				case got.err == nil && len(got.batch) == 0:
					sleep.For(receiving, emptyPause-got.took, nil)
				case got.err != nil && receiving.Err() == nil && d.backoff.failed(got.err):
					stop(got.err)
				}
				d.takeIn(receiving, working, got.batch)
				d.demand.end(got)
				n = d.again(receiving, got.err)
			}
		})
	}
}

// open reaches the source, however long that takes, and reports whether it did. A source that says
// that the queue is not there, or not ours to read, ends the start.
func (d *Dispatcher) open(receiving context.Context, stop context.CancelCauseFunc) bool {
	for receiving.Err() == nil {
		err := contain.Call(func() error { return d.o.Receiver.Open(receiving) })
		switch {
		case err == nil:
			d.backoff.opened()
			return true
		case receiving.Err() != nil:
			return false
		case d.backoff.failed(err):
			stop(err)
			return false
		}
		d.backoff.wait(receiving)
	}
	return false
}

// next waits until a receive is wanted and the worker can take a message, and says how many the
// receive that it has begun may ask for. Only one goroutine calls it. It returns 0 when receiving
// ends.
func (d *Dispatcher) next(receiving context.Context) int {
	for receiving.Err() == nil {
		d.lastTick.Store(time.Now().UnixNano())
		if d.demand.free() == 0 {
			sleep.For(receiving, heartbeat, d.demand.wake)
			continue
		}
		d.lastTick.Store(0) // the source or the worker may be away for long
		d.backoff.wait(receiving)
		ready, err := d.ready(receiving)
		if err != nil {
			continue
		}
		if n := d.demand.begin(ready); n > 0 {
			return n
		}
	}
	return 0
}

// again is next for a goroutine whose receive has just ended with err. It does not wait for demand:
// it returns 0 where no further receive is wanted. So the source is asked again before what came is
// handled, and without waking the goroutine of next.
func (d *Dispatcher) again(receiving context.Context, err error) int {
	defer d.demand.changed()
	if err != nil || receiving.Err() != nil || d.demand.free() == 0 {
		return 0
	}
	ready, err := d.ready(receiving)
	if err != nil {
		return 0
	}
	return d.demand.begin(ready)
}

// ready waits for the transmitter, and returns how many messages it can take. A panic there counts
// as ready: the attempt that follows will tell.
func (d *Dispatcher) ready(receiving context.Context) (n int, err error) {
	panicked := contain.Call(func() error {
		n, err = d.o.Transmitter.Ready(receiving, 0)
		return nil
	})
	if panicked != nil {
		d.o.Observe(Event{Kind: Panicked, Err: panicked})
		sleep.For(receiving, time.Second, nil)
		return 1, receiving.Err()
	}
	return n, err
}

// A received is what one receive brought.
type received struct {
	asked int // for how many messages
	batch []*message.Message
	err   error
	begun time.Time
	took  time.Duration
}

// receiveOnce makes one receive for at most n messages.
func (d *Dispatcher) receiveOnce(calling context.Context, n int) received {
	got := received{asked: n, begun: time.Now()}
	panicked := contain.Call(func() error {
		got.batch, got.err = d.o.Receiver.Receive(calling, n)
		return nil
	})
	got.took = time.Since(got.begun)
	if panicked != nil {
		d.o.Observe(Event{Kind: Panicked, Err: panicked})
		got.batch, got.err = nil, panicked
		return got
	}
	if got.err == nil || len(got.batch) > 0 {
		d.o.Observe(Event{Kind: Polled, Count: len(got.batch)})
	}
	if got.err == nil {
		d.backoff.succeeded()
	}
	return got
}

// takeIn has the leases of what was received renewed, and admits it. After the stop it is given
// back, the last one first.
func (d *Dispatcher) takeIn(receiving, working context.Context, batch []*message.Message) {
	d.demand.addInFlight(len(batch))
	taken := make([]*delivery, len(batch))
	for i, m := range batch {
		taken[i] = &delivery{Message: m, unposted: true}
		d.leases.start(&taken[i].lease, m)
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
