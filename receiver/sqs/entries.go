package sqs

import (
	"context"
	"errors"
	"time"

	"carrier/internal/batch"
	"carrier/receiver"
)

// errUnanswered is what an entry gets that the answer does not mention.
var errUnanswered = errors.New("no result for the entry in the answer")

// deleteBatch deletes up to ten messages in one call; one error for each.
func (c *client) deleteBatch(ctx context.Context, queueURL string, entries []*batch.Entry) []error {
	results, err := c.callBatch(ctx, opDelete, "DeleteMessageBatch", deletions(queueURL, entries))
	if err != nil {
		return repeat(err, len(entries))
	}
	return c.sortResults(opDelete, len(entries), results)
}

// changeBatch changes the visibility of up to ten messages in one call; one error
// for each. Operation names what it is done for.
func (c *client) changeBatch(ctx context.Context, operation, queueURL string, entries []*batch.Entry) []error {
	results, err := c.callBatch(ctx, operation, "ChangeMessageVisibilityBatch", changes(queueURL, entries))
	if err != nil {
		return repeat(err, len(entries))
	}
	return c.sortResults(operation, len(entries), results)
}

func (c *client) callBatch(ctx context.Context, operation, action string, p payload) ([]entryResult, error) {
	return do(ctx, c, operation, func(ctx context.Context) (results []entryResult, err error) {
		err = c.line.call(ctx, action, p, func(a answer) (err error) {
			results, err = readResults(a.body)
			return err
		})
		return results, err
	})
}

// sortResults sorts the answer to a batch of n by entry. An entry that the answer
// does not mention has failed as far as anybody knows.
func (c *client) sortResults(operation string, n int, results []entryResult) []error {
	errs := make([]error, n)
	answered := make([]bool, n)
	for _, r := range results {
		if r.index < 0 || r.index >= n {
			continue
		}
		answered[r.index] = true
		if r.failed {
			errs[r.index] = entryError(operation, r)
		}
	}
	for i, err := range errs {
		if !answered[i] {
			err = &receiver.Error{Operation: operation, Class: receiver.Other, Err: errUnanswered}
			errs[i] = err
		}
		if err != nil {
			c.observer.SourceError(operation, receiver.ClassOf(err))
		}
	}
	return errs
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// How long the first entry of a batch waits for others. On a standard queue nobody
// waits for a settlement, and each entry that comes along saves a call: about as long
// as one call takes. On a FIFO queue the next of the group waits for it.
const (
	linger     = 8 * time.Millisecond
	fifoLinger = time.Millisecond
)

// maxInFlight is the most calls of one kind that are open at once.
const maxInFlight = 8

// newBatcher gathers entries for send, as long as the queue's kind allows.
func (r *Receiver) newBatcher(send func(context.Context, []*batch.Entry) []error) *batch.Batcher {
	wait := linger
	if r.queue.fifo {
		wait = fifoLinger
	}
	return batch.New(batch.Options{Most: maxBatch, Calls: maxInFlight, Linger: wait, Send: send})
}
