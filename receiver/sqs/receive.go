package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carrier/message"
	"carrier/receiver/sqs/api"
)

// settleTimeout is the most time given to messages that are settled in the background.
const settleTimeout = 10 * time.Second

// Receive makes one ReceiveMessage call for up to limit messages, never more than
// Options.BatchSize. When ctx ends while it waits, the call is cut; when the answer
// has begun to arrive by then, its messages are returned all the same. A message that
// the worker had accepted and SQS hands out again is deleted and not returned.
func (r *Receiver) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	n := max(min(limit, r.options.BatchSize), 1)
	batch, err := r.poll(ctx, n)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("queue %s: %w", r.queue.name, err)
	}
	return batch, nil
}

// poll makes the call for up to n messages. ctx cuts it only as long as there is no answer.
func (r *Receiver) poll(ctx context.Context, n int) (batch []*message.Message, err error) {
	asked := time.Now()
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	err = r.client.Receive(waiting, r.receives[n], func() { stop() }, func(received []api.ReceivedMessage, came time.Time) {
		batch = r.admit(ctx, received, receiveInfo{asked: asked, came: came, limit: n})
	})
	return batch, err
}

// A receiveInfo is what the messages of one answer have in common.
type receiveInfo struct {
	asked time.Time // when the call was made
	came  time.Time // when the answer began to come
	limit int       // how many were asked for
}

// admit turns what SQS handed out into messages, each by itself, and settles itself what it does
// not return. Of a FIFO group nothing is returned that comes behind a message that was not.
func (r *Receiver) admit(ctx context.Context, received []api.ReceivedMessage, info receiveInfo) []*message.Message {
	var (
		batch    = make([]*message.Message, 0, len(received))
		unwanted []string // handles
		blocked  = map[string]bool{}
	)
	for i := range received {
		m := &received[i]
		if key := keyOf(m.ID); r.undeleted.has(key) || r.deleted.has(key) {
			r.discard(ctx, string(m.ID), string(m.ReceiptHandle))
			continue
		}
		err := invalid(m)
		if err != nil {
			r.options.Warn(Warning{Text: "a message is given back", MessageID: string(m.ID), Err: err})
		}
		if err != nil || len(batch) == info.limit || r.queue.fifo && blocked[string(m.Group)] {
			blocked[string(m.Group)] = true
			unwanted = append(unwanted, string(m.ReceiptHandle))
			continue
		}
		batch = append(batch, r.convert(m, info))
	}
	r.giveBack(ctx, unwanted)
	return batch
}

// invalid says why a message cannot be handed on; nil when it can.
func invalid(m *api.ReceivedMessage) error {
	switch {
	case m.ID == nil || m.ReceiptHandle == nil:
		return errors.New("it has no id or no receipt handle")
	case !api.ChecksumMatches(m.Body, m.MD5):
		return errors.New("its body does not match its checksum")
	}
	return nil
}

// discard deletes, on a clock of its own, a message that the worker has accepted
// before. When that fails it comes back once more, and is deleted then.
func (r *Receiver) discard(ctx context.Context, id, handle string) {
	r.options.Observer.Duplicate("undeleted")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	r.background.Go(func() {
		defer cancel()
		_ = r.remove(ctx, id, handle)
	})
}

// giveBack makes the messages of handles visible again, on a clock of its own and the
// last one first, so that a group's head does not become free before its tail.
func (r *Receiver) giveBack(ctx context.Context, handles []string) {
	if len(handles) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	r.background.Go(func() {
		defer cancel()
		for _, handle := range slices.Backward(handles) {
			if handle != "" {
				_ = r.changes.Submit(ctx, handle, 0) // else it comes back with its lease's end
			}
		}
	})
}
