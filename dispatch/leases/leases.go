// Package leases renews the leases of the messages in flight, from their receive to their settlement.
package leases

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"carrier/internal/contain"
	"carrier/message"
	"carrier/receiver"
)

const (
	// extendBatch is the most leases renewed in one Extend, so that a slow call holds up few
	// messages that could be settled meanwhile.
	extendBatch = 10
	// extendTimeout is the most time given to one Extend.
	extendTimeout = 10 * time.Second
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

// A Renewer renews the lease of every message in flight at a third of its length. While there is none
// it has no goroutine. It is safe for concurrent use.
type Renewer struct {
	receiver receiver.Receiver
	observe  func(m *message.Message, err error)
	renewals sync.WaitGroup

	mu     sync.Mutex
	next   dueHeap
	timer  *time.Timer // calls renewDue when the first of next is due; nil before the first lease
	closed bool
}

// New returns a Renewer of source's leases. observe is told of each renewal, with the error that it
// failed with: one that is receiver.ErrLeaseLost means that the lease is over. It is called from many
// goroutines.
func New(source receiver.Receiver, observe func(m *message.Message, err error)) *Renewer {
	return &Renewer{receiver: source, observe: observe}
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

// Close ends the renewing, and returns when no renewal is in flight.
func (r *Renewer) Close() {
	r.mu.Lock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	r.renewals.Wait()
}

// Overdue is for how long the lease that is due first should have been renewed already; zero or less
// where none is late.
func (r *Renewer) Overdue() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.next) == 0 || r.closed {
		return 0
	}
	return time.Since(r.next[0].due)
}

// renewDue begins the renewals that are due.
func (r *Renewer) renewDue() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	for batch := range slices.Chunk(r.takeDue(), extendBatch) {
		r.renewals.Go(func() { r.renew(batch) })
	}
	r.arm()
}

// arm has renewDue called when the first lease is due. The lock is held.
func (r *Renewer) arm() {
	switch {
	case len(r.next) == 0 || r.closed:
	case r.timer == nil:
		r.timer = time.AfterFunc(time.Until(r.next[0].due), r.renewDue)
	default:
		r.timer.Reset(time.Until(r.next[0].due))
	}
}

// takeDue takes the leases that are due. What is due soon goes along, since it costs no further call.
// The lock is held.
func (r *Renewer) takeDue() []*Lease {
	var batch []*Lease
	for len(r.next) > 0 {
		l := r.next[0]
		soon := time.Duration(0)
		if len(batch) > 0 {
			soon = l.m.Lease / 10
		}
		if time.Until(l.due) > soon {
			break
		}
		heap.Pop(&r.next)
		l.renewing = make(chan struct{})
		batch = append(batch, l)
	}
	return batch
}

// renew makes one Extend for batch and schedules what follows for each.
func (r *Renewer) renew(batch []*Lease) {
	timeout := extendTimeout
	messages := make([]*message.Message, len(batch))
	for i, l := range batch {
		messages[i] = l.m
		timeout = min(timeout, max(l.m.Lease/3, time.Second))
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
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
		r.arm()
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
