package sqs

import (
	"context"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/receiver"
)

// errUnanswered is what an entry gets that the answer does not mention.
var errUnanswered = errors.New("no result for the entry in the answer")

// deleteBatch deletes up to ten messages in one call; one error for each.
func (c *client) deleteBatch(ctx context.Context, queueURL string, batch []*request) []error {
	entries := make([]types.DeleteMessageBatchRequestEntry, len(batch))
	for i, r := range batch {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: entryID(i), ReceiptHandle: &r.handle}
	}
	in := &awssqs.DeleteMessageBatchInput{QueueUrl: &queueURL, Entries: entries}
	out, err := do(ctx, c, opDelete, func(ctx context.Context) (*awssqs.DeleteMessageBatchOutput, error) {
		return c.api.DeleteMessageBatch(ctx, in)
	})
	if err != nil {
		return repeat(err, len(batch))
	}
	done := make([]*string, len(out.Successful))
	for i := range out.Successful {
		done[i] = out.Successful[i].Id
	}
	return c.results(opDelete, len(batch), done, out.Failed)
}

// changeBatch changes the visibility of up to ten messages in one call; one error
// for each. Operation names what it is done for.
func (c *client) changeBatch(ctx context.Context, operation, queueURL string, batch []*request) []error {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(batch))
	for i, r := range batch {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: entryID(i), ReceiptHandle: &r.handle, VisibilityTimeout: r.seconds,
		}
	}
	in := &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &queueURL, Entries: entries}
	out, err := do(ctx, c, operation, func(ctx context.Context) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
		return c.api.ChangeMessageVisibilityBatch(ctx, in)
	})
	if err != nil {
		return repeat(err, len(batch))
	}
	done := make([]*string, len(out.Successful))
	for i := range out.Successful {
		done[i] = out.Successful[i].Id
	}
	return c.results(operation, len(batch), done, out.Failed)
}

// results sorts the answer to a batch of n by entry. An entry that the answer does
// not mention has failed as far as anybody knows.
func (c *client) results(operation string, n int, done []*string, failed []types.BatchResultErrorEntry) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = &receiver.Error{Operation: operation, Class: receiver.Other, Err: errUnanswered}
	}
	for _, id := range done {
		if i, ok := entryIndex(id, n); ok {
			errs[i] = nil
		}
	}
	for _, f := range failed {
		if i, ok := entryIndex(f.Id, n); ok {
			errs[i] = entryError(operation, f)
		}
	}
	for _, err := range errs {
		if err != nil {
			c.observer.SourceError(operation, receiver.ClassOf(err))
		}
	}
	return errs
}

// entryID is the entry's index: message ids may repeat within a batch, and
// receipt handles are too long.
func entryID(i int) *string { return aws.String(strconv.Itoa(i)) }

func entryIndex(id *string, n int) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < n
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
