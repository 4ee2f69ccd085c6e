// Package sqs takes messages from an Amazon SQS queue, standard or FIFO, or from a server that speaks
// its JSON protocol. It knows what SQS means; the calls are package api's.
//
// Settlements leave in batches of up to ten, a few milliseconds after the first of them; every
// entry's own result is read. Nothing is tried twice in here: backing off belongs to the caller,
// who knows how much of the lease is left.
package sqs

import (
	"context"
	"sync"
	"time"

	"carrier/internal/batch"
	"carrier/internal/recent"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

// Operations lists every operation that an Observer is told of, for metrics that are there from
// the start.
func Operations() []string { return api.Operations() }

// A Receiver is one queue. It implements receiver.Receiver.
type Receiver struct {
	options    Options
	warned     warnings
	background sync.WaitGroup

	// Set by the Open that succeeds, before any other method is called.
	client           *api.Client
	queue            queue
	receives         *receiveRequests
	deletes, changes *batch.Batcher
}

var _ receiver.Receiver = (*Receiver)(nil)

// New assembles a Receiver. It dials nothing.
func New(o Options) *Receiver {
	return &Receiver{
		options: o.withDefaults(),
		warned:  warnings{damaged: recent.New[struct{}](damagedLimit, damagedKept)},
	}
}

// Open finds the credentials, the region and the queue, and reads the queue's attributes.
// Credentials that may not read attributes are enough: the lease is then the one in Options, or
// 30 s. An error's class tells a queue that is not there (receiver.NotFound), may not be used
// (Denied, Credentials) or is wrongly configured (Invalid) from one that could not be reached
// (Network, Throttled).
func (r *Receiver) Open(ctx context.Context) error {
	c, notices, err := api.Connect(ctx, r.options.api())
	if err != nil {
		return err
	}
	q, more, err := find(ctx, c, r.options)
	if err != nil {
		c.Close()
		return advise(err, c.Region())
	}
	for _, n := range append(notices, more...) {
		r.options.Warn(Warning{Text: n.Text, Err: n.Err})
	}
	q.attributes = nil // they are not asked for again
	r.client, r.queue = c, q
	r.receives = newReceiveRequests(q.url, wholeSeconds(r.options.WaitTime), wholeSeconds(q.lease))
	r.deletes = r.newBatcher(func(ctx context.Context, entries []*batch.Entry) []error {
		return c.DeleteBatch(ctx, q.url, entries)
	})
	r.changes = r.newBatcher(func(ctx context.Context, entries []*batch.Entry) []error {
		return c.ChangeBatch(ctx, api.OpChange, q.url, entries)
	})
	return nil
}

// How long the first entry of a batch waits for others. On a standard queue nobody waits for a
// settlement, and each entry that comes along saves a call: about as long as one call takes. On a
// FIFO queue the next message of the group waits for it.
const (
	linger     = 8 * time.Millisecond
	fifoLinger = time.Millisecond
)

// maxInFlight is the most calls of one kind that are open at once.
const maxInFlight = 8

// newBatcher gathers entries for send, for as long as the queue's kind allows.
func (r *Receiver) newBatcher(send func(context.Context, []*batch.Entry) []error) *batch.Batcher {
	wait := linger
	if r.queue.fifo {
		wait = fifoLinger
	}
	return batch.New(batch.Options{Most: maxBatch, Calls: maxInFlight, Linger: wait, Send: send})
}

// CountsReceives reports whether the queue is known to have a redrive policy, which counts receives.
// It is called after Open.
func (r *Receiver) CountsReceives() bool { return r.queue.policy.last > 0 }

// Close sends what is still waiting to be settled, waits for the answers, and closes idle
// connections. It may be called without a successful Open, and more than once.
func (r *Receiver) Close() error {
	if r.client == nil {
		return nil
	}
	r.background.Wait()
	r.deletes.Close()
	r.changes.Close()
	r.queue.deadLetter.close(r.client)
	r.client.Close()
	return nil
}
