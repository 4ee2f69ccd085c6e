package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"carrier/message"
	"carrier/receiver/nats/api"
)

const (
	// maxPull is the most messages asked for in one pull.
	maxPull = 100
	// pullWait is how long one pull waits for a message.
	pullWait = 20 * time.Second
)

// Receive asks for up to limit messages that are there, a hundred at most, and where there is none
// waits for one. It asks for no more than one while it waits: a pull for several stays open when it
// has brought the first, and goes on taking messages. When ctx ends while it waits, what JetStream
// hands out by then is given back.
func (r *Receiver) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	n := min(max(limit, 1), maxPull)
	for _, ask := range []struct {
		n    int
		wait time.Duration
	}{{n, 0}, {1, pullWait}} {
		batch, err := r.pull(ctx, ask.n, ask.wait)
		switch {
		case len(batch) > 0:
			return batch, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, fmt.Errorf("consumer %s of stream %s: %w", r.consumer.name, r.consumer.stream, err)
		}
	}
	return nil, nil
}

// pull makes one pull. What came before an error is returned without it: the next call meets it
// again.
func (r *Receiver) pull(ctx context.Context, n int, wait time.Duration) ([]*message.Message, error) {
	var raw []*nats.Msg
	_, err := api.DoWithin(ctx, r.client, api.OpReceive, wait+2*answerTimeout, func(limited context.Context) (_ struct{}, err error) {
		raw, err = r.pulls.fetch(limited, n, wait, r.background.Go, func(m *nats.Msg) { r.nak(context.WithoutCancel(ctx), m, 0) })
		return struct{}{}, err
	})
	batch := r.admit(ctx, raw)
	if isEnd(ctx, err) {
		err = nil
	}
	return batch, err
}

// admit turns what JetStream handed out into messages, and gives back what comes before its turn in
// its group.
func (r *Receiver) admit(ctx context.Context, raw []*nats.Msg) []*message.Message {
	var batch []*message.Message
	now := time.Now()
	for _, m := range raw {
		in, err := r.convert(m, now)
		if err != nil {
			r.options.Warn("", "a message without JetStream's marks is not delivered", err)
			continue
		}
		if in.Ordered {
			if delay, wait := r.order.Pass(in.Group, in.ID, r.grace(in)); wait {
				r.background.Go(func() { r.nak(context.WithoutCancel(ctx), m, delay) })
				continue
			}
		}
		batch = append(batch, in)
	}
	return batch
}
