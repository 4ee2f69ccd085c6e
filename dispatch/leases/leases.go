// Package leases renews the leases of the messages in flight, from their receive to their settlement.
package leases

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/contain"
	"carrier/internal/sleep"
	"carrier/message"
	"carrier/receiver"
)

const (
	// extendBatch is the most leases renewed in one Extend, so that a slow call holds up few
	// messages that could be settled meanwhile.
	extendBatch = 10
	// extendTimeout is the most time given to one Extend.
	extendTimeout = 10 * time.Second
	// Heartbeat is how often a loop with nothing to do notes a tick, to show that it can.
	Heartbeat = 30 * time.Second
)

// A Lease is one message whose lease is renewed. The zero Lease is ready for Start.
type Lease struct {
	m *message.Message

	// Guarded by the renewer's lock.
	due      time.Time
	index    int           // in the heap; -1 when not there
	renewing chan struct{} // closed when the renewal in flight is over; nil without one
	stopped  bool
}

// A Renewer renews the lease of every message in flight at a third of its length. It is safe for
// concurrent use.
type Renewer struct {
	receiver receiver.Receiver
	observe  func(m *message.Message, err error)
	lastTick atomic.Int64 // of Run, in Unix nanoseconds
	wake     chan struct{}

	mu   sync.Mutex
	next dueHeap
}

// New returns a Renewer of source's leases. observe is told of each renewal, with the error that it
// failed with: one that is receiver.ErrLeaseLost means that the lease is over. It is called from many
// goroutines.
func New(source receiver.Receiver, observe func(m *message.Message, err error)) *Renewer {
	return &Renewer{receiver: source, observe: observe, wake: make(chan struct{}, 1)}
}

// Start has m's lease renewed, as l, from here until Stop.
func (r *Renewer) Start(l *Lease, m *message.Message) {
	l.m, l.index = m, -1
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.Lease > 0 {
		r.schedule(l, renewalDue(m))
	}
}

// Stop ends the renewing of l. When it returns no renewal is in flight, and none will be issued.
func (r *Renewer) Stop(l *Lease) {
	r.mu.Lock()
	l.stopped = true
	if l.index >= 0 {
		heap.Remove(&r.next, l.index)
	}
	renewing := l.renewing
	r.mu.Unlock()
	if renewing != nil {
		<-renewing
	}
}

// Run renews leases until renewing ends, and returns when no renewal is in flight.
func (r *Renewer) Run(renewing context.Context) {
	var renewals sync.WaitGroup
	defer renewals.Wait()
	defer r.lastTick.Store(0)
	for renewing.Err() == nil {
		r.lastTick.Store(time.Now().UnixNano())
		batch, wait := r.takeDue()
		for len(batch) > 0 {
			n := min(len(batch), extendBatch)
			part := batch[:n]
			batch = batch[n:]
			renewals.Go(func() { r.renew(renewing, part) })
		}
		sleep.For(renewing, wait, r.wake)
	}
}

// LastTick is when Run last showed that it can go on, in Unix nanoseconds; zero where it does not run.
func (r *Renewer) LastTick() int64 { return r.lastTick.Load() }

// takeDue takes the leases that are due, and says how long until the next one. What is due soon
// goes along, since it costs no further call.
func (r *Renewer) takeDue() ([]*Lease, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var batch []*Lease
	for len(r.next) > 0 {
		l := r.next[0]
		soon := time.Duration(0)
		if len(batch) > 0 {
			soon = l.m.Lease / 10
		}
		if wait := time.Until(l.due); wait > soon {
			return batch, min(wait, Heartbeat)
		}
		heap.Pop(&r.next)
		l.renewing = make(chan struct{})
		batch = append(batch, l)
	}
	return batch, Heartbeat
}

// renew makes one Extend for batch and schedules what follows for each.
func (r *Renewer) renew(renewing context.Context, batch []*Lease) {
	timeout := extendTimeout
	messages := make([]*message.Message, len(batch))
	for i, l := range batch {
		messages[i] = l.m
		timeout = min(timeout, max(l.m.Lease/3, time.Second))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(renewing), timeout)
	defer cancel()
	var errs []error
	err := contain.Call(func() error {
		errs = r.receiver.Extend(ctx, messages)
		return nil
	})
	if err != nil || len(errs) != len(batch) {
		errs = make([]error, len(batch))
		for i := range errs {
			errs[i] = errors.Join(errors.New("renewal gave no result"), err)
		}
	}
	for i, l := range batch {
		r.observe(l.m, r.renewed(l, errs[i]))
	}
}

// renewed notes how l's renewal went, and returns what became of the lease.
func (r *Renewer) renewed(l *Lease, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(l.renewing)
	l.renewing = nil
	now := time.Now()
	// Also after a success: a source that can keep a message no longer than it does already says
	// yes and changes nothing.
	soon := now.Add(max(l.m.Lease/10, 100*time.Millisecond))
	switch {
	case err == nil:
		due := renewalDue(l.m)
		if due.Before(soon) {
			due = soon
		}
		r.schedule(l, due)
	case errors.Is(err, receiver.ErrLeaseLost):
		l.m.Lose()
	case !now.Before(l.m.Expires()):
		l.m.Lose()
		err = errors.Join(receiver.ErrLeaseLost, err)
	default:
		r.schedule(l, soon)
	}
	return err
}

// schedule puts l in line for a renewal, unless it was stopped. The lock is held.
func (r *Renewer) schedule(l *Lease, due time.Time) {
	if l.stopped {
		return
	}
	l.due = due
	heap.Push(&r.next, l)
	if l.index == 0 {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// renewalDue is when a third of m's lease has passed.
func renewalDue(m *message.Message) time.Time {
	return m.Expires().Add(-m.Lease * 2 / 3)
}

// dueHeap orders leases by when their renewal is due.
type dueHeap []*Lease

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is for container/heap.
func (h *dueHeap) Push(x any) {
	l := x.(*Lease)
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
