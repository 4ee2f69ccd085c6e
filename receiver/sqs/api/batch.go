package api

import (
	"context"
	"errors"

	"carrier/internal/batch"
)

// ErrUnanswered is the error of an entry that the answer does not mention.
var ErrUnanswered = errors.New("no result for the entry in the answer")

// DeleteBatch deletes up to MaxBatch messages in one call, and returns one error for each.
func (c *Client) DeleteBatch(ctx context.Context, queueURL string, entries []*batch.Entry) []error {
	return c.callBatch(ctx, OpDelete, len(entries), action{name: "DeleteMessageBatch", request: deletions(queueURL, entries)})
}

// ChangeBatch changes the visibility timeout of up to MaxBatch messages in one call, and returns
// one error for each. operation names what it is done for: OpExtend or OpChange.
func (c *Client) ChangeBatch(ctx context.Context, operation, queueURL string, entries []*batch.Entry) []error {
	return c.callBatch(ctx, operation, len(entries), action{name: "ChangeMessageVisibilityBatch", request: changes(queueURL, entries)})
}

func (c *Client) callBatch(ctx context.Context, operation string, n int, a action) []error {
	var results []entryResult
	a.read = func(answer answer) (err error) {
		results, err = readResults(answer.body)
		return err
	}
	err := c.do(ctx, operation, func(ctx context.Context) error { return c.call(ctx, a) })
	if err != nil {
		return repeat(err, n)
	}
	return c.sortResults(operation, n, results)
}

// sortResults sorts the answer to a batch of n by entry. An entry that the answer does not mention
// has failed as far as anybody knows.
func (c *Client) sortResults(operation string, n int, results []entryResult) []error {
	errs := repeat(ErrUnanswered, n)
	for _, r := range results {
		switch {
		case r.index < 0 || r.index >= n:
		case r.failed:
			errs[r.index] = &EntryError{Code: r.code, Message: r.message, senderFault: r.senderFault}
		default:
			errs[r.index] = nil
		}
	}
	for i, err := range errs {
		if err != nil {
			sorted := sortError(operation, err)
			errs[i] = sorted
			c.observer.SourceError(operation, sorted.Class)
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
