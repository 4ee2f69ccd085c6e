package dispatch

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"carrier/message"
	"carrier/receiver"
)

const (
	// extendBatch is the most leases renewed in one Extend, so that a slow call
	// holds up few messages that could be settled meanwhile.
	extendBatch = 10
	// extendTimeout is the most time given to one Extend.
	extendTimeout = 10 * time.Second
	// pulse is how often a loop with nothing to do turns, to show that it can.
	pulse = 30 * time.Second
)

// A lease is one message whose lease is renewed.
type lease struct {
	m    *message.Message
	lost atomic.Bool

	// Guarded by the keeper's lock.
	due      time.Time
	index    int           // in the heap; -1 when not there
	renewing chan struct{} // closed when the renewal in flight is over; nil without one
	released bool
}

// keeper renews the lease of every message in hand at a third of its length.
type keeper struct {
	receiver receiver.Receiver
	observe  func(Event)
	turned   atomic.Int64 // when run last turned, in Unix nanoseconds
	wake     chan struct{}

	mu   sync.Mutex
	next dueHeap
	held int
}

func newKeeper(r receiver.Receiver, observe func(Event)) *keeper {
	return &keeper{receiver: r, observe: observe, wake: make(chan struct{}, 1)}
}

// keep has m's lease renewed, as l, from here until release.
func (k *keeper) keep(l *lease, m *message.Message) {
	l.m, l.index = m, -1
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held++
	if m.Lease > 0 {
		k.schedule(l, renewalDue(m))
	}
}

// release ends the renewing of l. When it returns no renewal is in flight, and
// none will be issued. It says how many leases were kept until then.
func (k *keeper) release(l *lease) (held int) {
	k.mu.Lock()
	held = k.held
	if !l.released {
		l.released = true
		k.held--
	}
	if l.index >= 0 {
		heap.Remove(&k.next, l.index)
	}
	renewing := l.renewing
	k.mu.Unlock()
	if renewing != nil {
		<-renewing
	}
	return held
}

// inHand counts the leases that are kept.
func (k *keeper) inHand() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held
}

// lapsed reports whether too little of the lease is left to hand the message to
// the worker: it is lost, or could not be renewed until nearly its end.
func (l *lease) lapsed() bool {
	if l.lost.Load() {
		return true
	}
	return l.m.Lease > 0 && time.Until(l.m.Expires()) < l.m.Lease/10
}

// run renews leases until ctx ends, and returns when no renewal is in flight.
func (k *keeper) run(ctx context.Context) {
	var renewals sync.WaitGroup
	defer renewals.Wait()
	defer k.turned.Store(0)
	for ctx.Err() == nil {
		k.turned.Store(time.Now().UnixNano())
		batch, wait := k.takeDue()
		for len(batch) > 0 {
			n := min(len(batch), extendBatch)
			part := batch[:n]
			batch = batch[n:]
			renewals.Go(func() { k.renew(ctx, part) })
		}
		pause(ctx, wait, k.wake)
	}
}

// takeDue takes the leases that are due, and says how long until the next one.
// What is due soon goes along, since it costs no further call.
func (k *keeper) takeDue() ([]*lease, time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var batch []*lease
	for len(k.next) > 0 {
		l := k.next[0]
		soon := time.Duration(0)
		if len(batch) > 0 {
			soon = l.m.Lease / 10
		}
		if wait := time.Until(l.due); wait > soon {
			return batch, min(wait, pulse)
		}
		heap.Pop(&k.next)
		l.renewing = make(chan struct{})
		batch = append(batch, l)
	}
	return batch, pulse
}

// renew makes one Extend for batch and schedules what follows for each.
func (k *keeper) renew(ctx context.Context, batch []*lease) {
	timeout := extendTimeout
	messages := make([]*message.Message, len(batch))
	for i, l := range batch {
		messages[i] = l.m
		timeout = min(timeout, max(l.m.Lease/3, time.Second))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	var errs []error
	if err := contain(func() { errs = k.receiver.Extend(ctx, messages) }); err != nil || len(errs) != len(batch) {
		errs = make([]error, len(batch))
		for i := range errs {
			errs[i] = errors.Join(errors.New("renewal gave no result"), err)
		}
	}
	for i, l := range batch {
		k.observe(Event{Kind: Extended, Message: l.m, Err: k.renewed(l, errs[i])})
	}
}

// renewed notes how l's renewal went, and returns what became of the lease.
func (k *keeper) renewed(l *lease, err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(l.renewing)
	l.renewing = nil
	now := time.Now()
	// Also after a success: a source that can keep a message no longer than it does
	// already says yes and changes nothing.
	soon := now.Add(max(l.m.Lease/10, 100*time.Millisecond))
	switch {
	case err == nil:
		k.schedule(l, latest(renewalDue(l.m), soon))
	case errors.Is(err, receiver.ErrLeaseLost):
		l.lost.Store(true)
	case !now.Before(l.m.Expires()):
		l.lost.Store(true)
		err = errors.Join(receiver.ErrLeaseLost, err)
	default:
		k.schedule(l, soon)
	}
	return err
}

// schedule puts l in line for a renewal, unless it was released. The lock is held.
func (k *keeper) schedule(l *lease, due time.Time) {
	if l.released {
		return
	}
	l.due = due
	heap.Push(&k.next, l)
	if l.index == 0 {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// renewalDue is when a third of m's lease has passed.
func renewalDue(m *message.Message) time.Time {
	return m.Expires().Add(-m.Lease * 2 / 3)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// dueHeap orders leases by when their renewal is due.
type dueHeap []*lease

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is for container/heap.
func (h *dueHeap) Push(x any) {
	l := x.(*lease)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop is for container/heap.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	l.index = -1
	return l
}
