package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"carrier/message"
	"carrier/receiver"
)

// linger is how long a receive under way may go on after the stop: an answer on
// its way arrives, and its messages are given back rather than lost to sight.
const linger = time.Second

// emptyPause is the least time from one receive that brought nothing to the next: a
// source that does not wait for messages is not asked in a hot loop.
const emptyPause = time.Second

// receive opens the source and takes from it until ctx ends or the source is
// past hope. It returns when no receive is open.
func (d *Dispatcher) receive(ctx, work context.Context, stop context.CancelCauseFunc) {
	if !d.open(ctx, stop) {
		return
	}
	receiving, cancel := lingering(ctx)
	defer cancel()
	var polls sync.WaitGroup
	defer polls.Wait()
	defer d.turned.Store(0)
	for {
		n := d.next(ctx)
		if n == 0 {
			return
		}
		polls.Add(1)
		d.crew.Go(func() {
			defer polls.Done()
			for n > 0 {
				begun := time.Now()
				batch, err := d.poll(receiving, n)
				switch {
				case err == nil && len(batch) == 0:
					pause(ctx, emptyPause-time.Since(begun), nil)
				case err != nil && ctx.Err() == nil && d.trouble.met(err):
					stop(err)
				}
				d.accept(ctx, work, batch)
				d.demand.end(n, len(batch))
				n = d.again(ctx, err)
			}
		})
	}
}

// open reaches the source, however long that takes, and reports whether it did.
// A source that says the queue is not there, or not ours to read, ends the start.
func (d *Dispatcher) open(ctx context.Context, stop context.CancelCauseFunc) bool {
	for ctx.Err() == nil {
		var err error
		if p := contain(func() { err = d.o.Receiver.Open(ctx) }); p != nil {
			err = p
		}
		if err == nil {
			d.trouble.opened()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if d.trouble.met(err) {
			stop(err)
			return false
		}
		d.trouble.wait(ctx)
	}
	return false
}

// poll makes one receive.
func (d *Dispatcher) poll(ctx context.Context, n int) ([]*message.Message, error) {
	begun := time.Now()
	var batch []*message.Message
	var err error
	if p := contain(func() { batch, err = d.o.Receiver.Receive(ctx, n) }); p != nil {
		d.o.Observe(Event{Kind: Panicked, Err: p})
		return nil, p
	}
	if err == nil || len(batch) > 0 {
		d.o.Observe(Event{Kind: Polled, Count: len(batch)})
	}
	if err != nil {
		return batch, err
	}
	d.trouble.passed()
	if d.o.Prefetch == Auto {
		d.pace.received(begun, n, batch)
		d.demand.allow(d.pace.ahead())
	}
	return batch, nil
}

// accept takes batch in hand. After the stop it is given back, last one first.
func (d *Dispatcher) accept(ctx, work context.Context, batch []*message.Message) {
	taken := make([]*hand, len(batch))
	for i, m := range batch {
		taken[i] = &hand{m: m, unposted: true}
		d.leases.keep(&taken[i].lease, m)
	}
	if ctx.Err() != nil {
		d.giveBack(work, taken)
		return
	}
	d.admit(ctx, work, taken...)
}

// admit starts the handling of messages, but for those that have to wait behind
// their group's head or for an earlier copy of themselves. All are in their lanes
// before the first is handled: a head that failed at once would not take along a
// tail that had not come yet.
func (d *Dispatcher) admit(ctx, work context.Context, taken ...*hand) {
	var heads []*hand
	for _, h := range taken {
		first := d.hands.add(h)
		if first != nil && !h.m.Ordered {
			d.start(func() { d.follow(ctx, work, first, h) })
			continue
		}
		h.first = first // waits for it in their lane
		if d.lanes.enter(h) {
			heads = append(heads, h)
		}
	}
	for _, h := range heads {
		d.queue(h)
		d.start(func() { d.handle(ctx, work, h) })
	}
}

// start runs what handles a message; Run waits for its end.
func (d *Dispatcher) start(handle func()) {
	d.busy.Add(1)
	d.crew.Go(func() {
		defer d.busy.Done()
		handle()
	})
}

// queue puts a head in the line for a slot, unless it needs none: the worker accepted it before.
func (d *Dispatcher) queue(h *hand) {
	if h.accepted = d.accepted.has(h.m.ID); h.accepted {
		h.outcome = d.acceptedBefore(h)
		return
	}
	d.demand.hold()
	d.slots.join(&h.turn)
}

// lingering returns a context that ends a moment after ctx.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	receiving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		pause(receiving, linger, nil)
		cancel()
	})
	return receiving, func() { unhook(); cancel() }
}

// trouble spaces the calls to a source that fails, and tells of it when it
// begins, changes or ends.
type trouble struct {
	observe func(Event)

	mu      sync.Mutex
	worked  bool // a receive has succeeded once
	class   receiver.Class
	until   time.Time
	backoff *backoff.ExponentialBackOff
}

func newTrouble(observe func(Event)) *trouble {
	return &trouble{observe: observe, backoff: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(10*time.Second), backoff.WithMaxElapsedTime(0),
	)}
}

// met notes an error and reports whether there is no use in going on.
func (t *trouble) met(err error) (fatal bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	class := receiver.ClassOf(err)
	if class == receiver.Broken {
		return true
	}
	hopeless := []receiver.Class{receiver.NotFound, receiver.Denied, receiver.Credentials, receiver.Invalid}
	if !t.worked && slices.Contains(hopeless, class) {
		return true
	}
	if t.class != class {
		t.class = class
		t.observe(Event{Kind: SourceDown, Err: err})
	}
	// Receives that were open together fail together: that is one failure.
	if now := time.Now(); !now.Before(t.until) {
		t.until = now.Add(t.backoff.NextBackOff())
	}
	return false
}

// opened notes that the source was reached.
func (t *trouble) opened() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over()
}

// passed notes a receive that succeeded.
func (t *trouble) passed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.worked = true
	if t.class == "" {
		return
	}
	t.over()
}

// over ends the trouble. The lock is held.
func (t *trouble) over() {
	t.class = ""
	t.until = time.Time{}
	t.backoff.Reset()
	t.observe(Event{Kind: SourceUp})
}

// wait waits until the source may be called again.
func (t *trouble) wait(ctx context.Context) {
	t.mu.Lock()
	until := t.until
	t.mu.Unlock()
	if d := time.Until(until); d > 0 {
		pause(ctx, d, nil)
	}
}
