package sqs

import (
	"context"
	"errors"

	"carrier/receiver"
)

// errUnanswered is what an entry gets that the answer does not mention.
var errUnanswered = errors.New("no result for the entry in the answer")

// deleteBatch deletes up to ten messages in one call; one error for each.
func (c *client) deleteBatch(ctx context.Context, queueURL string, batch []*request) []error {
	results, err := c.callBatch(ctx, opDelete, "DeleteMessageBatch", deletions(queueURL, batch))
	if err != nil {
		return repeat(err, len(batch))
	}
	return c.sortResults(opDelete, len(batch), results)
}

// changeBatch changes the visibility of up to ten messages in one call; one error
// for each. Operation names what it is done for.
func (c *client) changeBatch(ctx context.Context, operation, queueURL string, batch []*request) []error {
	results, err := c.callBatch(ctx, operation, "ChangeMessageVisibilityBatch", changes(queueURL, batch))
	if err != nil {
		return repeat(err, len(batch))
	}
	return c.sortResults(operation, len(batch), results)
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
