// Package sqs takes messages from an Amazon SQS queue, standard or FIFO, or from
// a server that speaks its JSON protocol.
//
// Settlements leave in batches of up to ten, a few milliseconds after the first of
// them; every entry's own result is read. Nothing is tried twice in here, neither by
// this package nor by the SDK: backing off belongs to the caller, who knows how much
// of the lease is left.
package sqs

import (
	"context"
	"sync"
	"time"

	"carrier/internal/batch"
	"carrier/receiver"
)

// remembered is how many delivered messages are kept in mind, and rememberedFor
// how long: no lease outlives twelve hours.
const (
	remembered    = 10_000
	rememberedFor = 13 * time.Hour
)

// A Receiver is one queue. It implements receiver.Receiver.
type Receiver struct {
	options Options

	// undeleted are messages whose end the worker has decided and SQS has not
	// confirmed. deleted are those it has: SQS may hand one out all the same when
	// its lease was over, or when a server of theirs was away at the deletion.
	undeleted, deleted *memory
	background         sync.WaitGroup

	// Set by the Open that succeeds, before any other method is called.
	client           *client
	queue            queue
	receives         [maxBatch + 1]payload // by how many messages they ask for
	deletes, changes *batch.Batcher
}

var _ receiver.Receiver = (*Receiver)(nil)

// New assembles a Receiver. It dials nothing.
func New(o Options) *Receiver {
	return &Receiver{
		options:   o.withDefaults(),
		undeleted: newMemory(remembered, rememberedFor),
		deleted:   newMemory(remembered, rememberedFor),
	}
}

// Open finds the credentials, the region and the queue, and reads the queue's
// attributes. Credentials that may not read attributes are enough: the lease is then
// the one in Options, or 30 s. An error's class tells a queue that is not there
// (receiver.NotFound) or may not be used (Denied, Credentials) from one that could
// not be reached.
func (r *Receiver) Open(ctx context.Context) error {
	c, notices, err := connect(ctx, r.options)
	if err != nil {
		return err
	}
	q, more, err := c.find(ctx, r.options)
	if err != nil {
		c.close()
		return err
	}
	for _, n := range append(notices, more...) {
		r.options.Warn(n.Text, n.Err)
	}
	r.client, r.queue = c, q
	for n := range r.receives {
		r.receives[n] = receiveOf(q.url, n, wholeSeconds(r.options.WaitTime), wholeSeconds(q.lease))
	}
	r.deletes = r.newBatcher(func(ctx context.Context, entries []*batch.Entry) []error {
		return c.deleteBatch(ctx, q.url, entries)
	})
	r.changes = r.newBatcher(func(ctx context.Context, entries []*batch.Entry) []error {
		return c.changeBatch(ctx, opChange, q.url, entries)
	})
	return nil
}

// Close sends what is still waiting to be settled, waits for the answers, and
// closes idle connections. It may be called without a successful Open, and again.
func (r *Receiver) Close() error {
	if r.client == nil {
		return nil
	}
	r.background.Wait()
	r.deletes.Close()
	r.changes.Close()
	r.client.close()
	return nil
}
