package publisher

import (
	"context"
	"errors"

	"carrier/internal/batch"
	"carrier/message"
)

// putAlone is Put for a queue that takes one message a call: the caller's goroutine makes it. With a
// batcher between them a message cost two goroutines more.
func (t *Target) putAlone(ctx context.Context, m *message.Message, probe bool) Result {
	if err := t.takeSlot(ctx); err != nil {
		if probe {
			t.gate.release()
		}
		return notSent(err)
	}
	defer func() { <-t.slots }()
	results := t.publish(ctx, []*message.Message{m})
	if err := results[0].Err; err != nil && ctx.Err() != nil && !IsRefused(err) {
		results[0] = notAnswered(ctx.Err())
	}
	if errors.Is(ctx.Err(), context.Canceled) && results[0].Err != nil {
		t.gate.end(false, nil) // the caller has gone, which says nothing of the queue
	} else {
		t.gate.end(verdict(results))
	}
	return results[0]
}

// takeSlot waits until a call may be made.
func (t *Target) takeSlot(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case t.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.closed:
		return batch.ErrClosed
	}
}
