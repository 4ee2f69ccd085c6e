package sqs

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that SQS gives with a body
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/message"
)

// Receive makes one ReceiveMessage call for up to limit messages, never more than
// Options.BatchSize. When ctx ends while it waits, the call is cut; when the answer
// has begun to arrive by then, its messages are returned all the same. A message that
// the worker had accepted and SQS hands out again is deleted and not returned.
func (r *Receiver) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	n := min(limit, r.options.BatchSize)
	asked := time.Now()
	out, err := r.poll(ctx, n)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("queue %s: %w", r.queue.name, err)
	}
	return r.admit(ctx, out.Messages, admission{asked: asked, limit: n}), nil
}

func (r *Receiver) poll(ctx context.Context, n int) (*awssqs.ReceiveMessageOutput, error) {
	in := &awssqs.ReceiveMessageInput{
		QueueUrl:                    &r.queue.url,
		MaxNumberOfMessages:         int32(n), //nolint:gosec // at most ten
		WaitTimeSeconds:             wholeSeconds(r.options.WaitTime),
		VisibilityTimeout:           wholeSeconds(r.queue.lease),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	ctx, cancel := untilAnswered(ctx)
	defer cancel()
	return do(ctx, r.client, opReceive, func(ctx context.Context) (*awssqs.ReceiveMessageOutput, error) {
		return r.client.api.ReceiveMessage(ctx, in, func(o *awssqs.Options) {
			// One damaged body would fail the call and leave nine good messages in
			// limbo: each is checked by itself.
			o.DisableMessageChecksumValidation = true
		})
	})
}

// An admission is what the messages of one answer have in common.
type admission struct {
	asked time.Time // when the call was made
	limit int       // how many were asked for
}

// admit turns what SQS handed out into messages, and settles itself what it does
// not return. Of a FIFO group nothing is returned that comes behind a message that
// was not.
func (r *Receiver) admit(ctx context.Context, raw []types.Message, a admission) []*message.Message {
	var (
		batch    []*message.Message
		unwanted []types.Message
		blocked  = map[string]bool{}
	)
	for _, m := range raw {
		id, group := aws.ToString(m.MessageId), groupOf(m)
		if r.undeleted.has(id) || r.deleted.has(id) {
			r.discard(ctx, m)
			continue
		}
		err := r.flaw(m)
		if err != nil {
			r.options.Warn("a message is given back", fmt.Errorf("message %s: %w", id, err))
		}
		if err != nil || len(batch) == a.limit || r.queue.fifo && blocked[group] {
			blocked[group] = true
			unwanted = append(unwanted, m)
			continue
		}
		batch = append(batch, r.convert(m, a.asked))
	}
	r.giveBack(ctx, unwanted)
	return batch
}

// flaw says why a message cannot be handed on; nil when it can.
func (r *Receiver) flaw(m types.Message) error {
	if m.MessageId == nil || m.ReceiptHandle == nil {
		return fmt.Errorf("it has no id or no receipt handle")
	}
	if m.MD5OfBody == nil {
		return nil
	}
	sum := md5.Sum([]byte(aws.ToString(m.Body))) //nolint:gosec // not for secrecy
	if hex.EncodeToString(sum[:]) != *m.MD5OfBody {
		return fmt.Errorf("its body does not match its checksum")
	}
	return nil
}

// discard deletes, on a clock of its own, a message that the worker has accepted
// before. When that fails it comes back once more, and is deleted then.
func (r *Receiver) discard(ctx context.Context, m types.Message) {
	r.options.Observer.Duplicate("undeleted")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*callTimeout)
	r.background.Go(func() {
		defer cancel()
		_ = r.remove(ctx, aws.ToString(m.MessageId), aws.ToString(m.ReceiptHandle))
	})
}

// giveBack makes messages visible again, on a clock of its own and the last one
// first, so that a group's head does not become free before its tail.
func (r *Receiver) giveBack(ctx context.Context, unwanted []types.Message) {
	if len(unwanted) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*callTimeout)
	r.background.Go(func() {
		defer cancel()
		for _, m := range slices.Backward(unwanted) {
			if m.ReceiptHandle != nil {
				_ = r.changes.submit(ctx, *m.ReceiptHandle, 0) // else it comes back with its lease's end
			}
		}
	})
}
