package sqs

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that SQS gives with a body
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"carrier/message"
)

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

// poll makes the call for up to n messages. One damaged message is nobody else's
// matter: each is looked at by itself.
func (r *Receiver) poll(ctx context.Context, n int) ([]*message.Message, error) {
	asked := time.Now()
	waiting, cancel := untilAnswered(ctx)
	defer cancel()
	return do(waiting, r.client, opReceive, func(limited context.Context) (batch []*message.Message, err error) {
		err = r.client.line.call(limited, "ReceiveMessage", r.receives[n], func(a answer) error {
			handouts, err := readMessages(a.body)
			if err == nil {
				batch = r.admit(ctx, handouts, admission{asked: asked, came: a.came, limit: n})
			}
			return err
		})
		return batch, err
	})
}

// An admission is what the messages of one answer have in common.
type admission struct {
	asked time.Time // when the call was made
	came  time.Time // when the answer began to come
	limit int       // how many were asked for
}

// admit turns what SQS handed out into messages, and settles itself what it does
// not return. Of a FIFO group nothing is returned that comes behind a message that
// was not.
func (r *Receiver) admit(ctx context.Context, handouts []handout, a admission) []*message.Message {
	var (
		batch    = make([]*message.Message, 0, len(handouts))
		unwanted []string // handles
		blocked  = map[string]bool{}
	)
	for i := range handouts {
		h := &handouts[i]
		if key := keyOf(h.id); r.undeleted.has(key) || r.deleted.has(key) {
			r.discard(ctx, string(h.id), string(h.handle))
			continue
		}
		err := h.flaw()
		if err != nil {
			r.options.Warn("a message is given back", fmt.Errorf("message %s: %w", h.id, err))
		}
		if err != nil || len(batch) == a.limit || r.queue.fifo && blocked[string(h.group)] {
			blocked[string(h.group)] = true
			unwanted = append(unwanted, string(h.handle))
			continue
		}
		batch = append(batch, r.convert(h, a))
	}
	r.giveBack(ctx, unwanted)
	return batch
}

// flaw says why a message cannot be handed on; nil when it can.
func (h *handout) flaw() error {
	if h.id == nil || h.handle == nil {
		return errors.New("it has no id or no receipt handle")
	}
	if h.sum == nil {
		return nil
	}
	var hexadecimal [2 * md5.Size]byte
	sum := md5.Sum(h.body) //nolint:gosec // not for secrecy
	hex.Encode(hexadecimal[:], sum[:])
	if string(hexadecimal[:]) != string(h.sum) {
		return errors.New("its body does not match its checksum")
	}
	return nil
}

// discard deletes, on a clock of its own, a message that the worker has accepted
// before. When that fails it comes back once more, and is deleted then.
func (r *Receiver) discard(ctx context.Context, id, handle string) {
	r.options.Observer.Duplicate("undeleted")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*callTimeout)
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*callTimeout)
	r.background.Go(func() {
		defer cancel()
		for _, handle := range slices.Backward(handles) {
			if handle != "" {
				_ = r.changes.Submit(ctx, handle, 0) // else it comes back with its lease's end
			}
		}
	})
}
