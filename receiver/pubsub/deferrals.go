package pubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/internal/batch"
	"carrier/receiver"
)

const (
	// maxDeferred is how many messages are kept away for longer than Pub/Sub allows.
	maxDeferred = 1000
	// deferredRenewal is when the lease of such a message is renewed: half of it, so that renewals
	// may fail for five minutes.
	deferredRenewal = maxLease / 2
	// deferredPause is how long after a failed renewal the next is tried.
	deferredPause = 10 * time.Second
)

// deferrals keeps messages away for longer than an ack deadline may be, by renewing their leases
// while nobody has them in flight. The last renewal ends when a message is due, and with it Pub/Sub
// hands the message out again.
type deferrals struct {
	extend func(context.Context, []*batch.Entry) []error // set by open
	wake   chan struct{}
	stop   chan struct{}
	once   sync.Once
	done   sync.WaitGroup

	mu   sync.Mutex
	byID map[string]*deferral
}

type deferral struct {
	ackID string
	due   time.Time // when the message is to come back
	next  time.Time // when its lease is to be renewed
}

func newDeferrals() *deferrals {
	return &deferrals{wake: make(chan struct{}, 1), stop: make(chan struct{}), byID: map[string]*deferral{}}
}

// open begins to renew leases by way of extend. It comes before any add.
func (d *deferrals) open(extend func(context.Context, []*batch.Entry) []error) {
	d.extend = extend
	d.done.Go(d.run)
}

// add keeps the message id away until due; it is under a lease of ten minutes. It reports whether
// there was room.
func (d *deferrals) add(id, ackID string, due time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.byID[id]; !known && len(d.byID) >= maxDeferred {
		return false
	}
	d.byID[id] = &deferral{ackID: ackID, due: due, next: time.Now().Add(deferredRenewal)}
	select {
	case d.wake <- struct{}{}:
	default:
	}
	return true
}

// forget drops the message id: it has come back.
func (d *deferrals) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byID, id)
}

// count is how many messages are kept away.
func (d *deferrals) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.byID)
}

// close renews what is deferred for the last time, so that it comes back as late as it can without
// us. It may be called again.
func (d *deferrals) close() {
	d.once.Do(func() { close(d.stop) })
	d.done.Wait()
}

func (d *deferrals) run() {
	for {
		wait := d.renew(time.Now())
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-d.wake:
			timer.Stop()
		case <-d.stop:
			timer.Stop()
			d.renew(time.Now().Add(deferredRenewal))
			return
		}
	}
}

// renew renews the leases that are to be renewed by the time t, and says how long until the next
// one is.
func (d *deferrals) renew(t time.Time) time.Duration {
	ids, entries := d.takeDue(t)
	for first := 0; first < len(entries); first += maxBatch {
		last := min(first+maxBatch, len(entries))
		for i, err := range d.extend(context.Background(), entries[first:last]) {
			d.renewed(ids[first+i], entries[first+i], err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := maxLease
	for _, deferral := range d.byID {
		wait = min(wait, time.Until(deferral.next))
	}
	return wait
}

func (d *deferrals) takeDue(t time.Time) (ids []string, entries []*batch.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, deferral := range d.byID {
		if !deferral.next.After(t) {
			ids = append(ids, id)
			entries = append(entries, &batch.Entry{ID: deferral.ackID, Seconds: receiver.WholeSeconds(time.Until(deferral.due), maxLease)})
		}
	}
	return ids, entries
}

// renewed notes how a renewal went. A message whose lease ends when it is due is let go, and so is
// one whose lease is lost.
func (d *deferrals) renewed(id string, r *batch.Entry, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	deferral := d.byID[id]
	if deferral == nil || deferral.ackID != r.ID {
		return // it came back meanwhile
	}
	now := time.Now()
	switch left := deferral.due.Sub(now); {
	case errors.Is(err, receiver.ErrLeaseLost) || left <= 0, err == nil && left <= maxLease:
		delete(d.byID, id)
	case err != nil:
		deferral.next = now.Add(deferredPause)
	default:
		deferral.next = now.Add(deferredRenewal)
	}
}
