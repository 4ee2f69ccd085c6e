package sqs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

const (
	// giveBackTimeout is the most time for giving back what Receive does not return.
	giveBackTimeout = 10 * time.Second
	// damagedFirst and damagedMost bound how long a damaged message stays hidden: it doubles with
	// each receive, so that other messages get through.
	damagedFirst = time.Second
	damagedMost  = 15 * time.Minute
)

// Receive makes one ReceiveMessage call for up to limit messages, never more than
// Options.BatchSize. When ctx ends while it waits, the call is cut; when the answer has begun to
// arrive by then, its messages are returned all the same.
func (r *Receiver) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	n := max(min(limit, r.options.BatchSize), 1)
	batch, err := r.receive(ctx, n)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("queue %s: %w", r.queue.name, err)
	}
	return batch, nil
}

// receive makes the call for up to n messages. ctx cuts it only as long as there is no answer.
func (r *Receiver) receive(ctx context.Context, n int) (batch []*message.Message, err error) {
	asked := time.Now()
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	err = r.client.Receive(waiting, r.receives.request(n), func() { stop() }, func(received []api.ReceivedMessage, came time.Time) {
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

// admit turns what SQS handed out into messages, each by itself, and gives back what it does not
// return. Of a FIFO group nothing is returned that comes behind a message that was given back.
func (r *Receiver) admit(ctx context.Context, received []api.ReceivedMessage, info receiveInfo) []*message.Message {
	var (
		batch    = make([]*message.Message, 0, len(received))
		unwanted []receiver.Unwanted
		blocked  = map[string]bool{} // groups
	)
	for i := range received {
		m := &received[i]
		err := invalid(m)
		switch {
		case err != nil:
			r.warnDamaged(m, err)
			unwanted = append(unwanted, receiver.Unwanted{Handle: string(m.ReceiptHandle), Delay: damagedDelay(m.ReceiveCount)})
		case len(batch) == info.limit, r.queue.fifo && blocked[string(m.Group)]:
			unwanted = append(unwanted, receiver.Unwanted{Handle: string(m.ReceiptHandle)})
		default:
			batch = append(batch, r.convert(m, info))
			continue
		}
		blocked[string(m.Group)] = true
	}
	r.giveBack(ctx, unwanted)
	return batch
}

// invalid says why a message cannot be handed on; nil when it can.
func invalid(m *api.ReceivedMessage) error {
	switch {
	case len(m.ID) == 0 || len(m.ReceiptHandle) == 0:
		return errors.New("it has no id or no receipt handle")
	case !api.ChecksumMatches(m.Body, m.MD5):
		return errors.New("its body does not match its checksum")
	}
	return nil
}

// damagedDelay is how long a damaged message stays hidden after so many receives.
func damagedDelay(receives int64) time.Duration {
	doublings := min(max(receives-1, 0), 10)
	return min(damagedFirst<<doublings, damagedMost)
}

// giveBack makes messages visible again, in the background.
func (r *Receiver) giveBack(ctx context.Context, unwanted []receiver.Unwanted) {
	if len(unwanted) == 0 {
		return
	}
	r.background.Go(func() {
		receiver.GiveBack(ctx, unwanted, giveBackTimeout, func(ctx context.Context, u receiver.Unwanted) error {
			return r.changes.Submit(ctx, u.Handle, wholeSeconds(u.Delay))
		})
	})
}
