package pubsub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/pubsub/api"
)

// Receive makes one pull for up to limit messages, a hundred at most. When ctx ends while it waits
// the call is cut; what Pub/Sub had begun to hand out by then comes back when its ack deadline
// ends. Where a lease longer than the subscription's own is wanted, it asks for that before it
// returns.
func (r *Receiver) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	n := min(limit, api.MaxPull)
	in := &pubsubpb.PullRequest{Subscription: r.subscription.path, MaxMessages: int32(n)} //nolint:gosec // at most api.MaxPull
	out, err := do(ctx, r.client, api.OpReceive, func(limited context.Context) (*pubsubpb.PullResponse, error) {
		out, err := r.client.Subscriber.Pull(limited, in)
		if api.TimedOut(err) && ctx.Err() == nil {
			return nil, nil // it waited and there was nothing
		}
		return out, err
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("subscription %s: %w", r.subscription.path, err)
	}
	batch := r.admit(ctx, out.GetReceivedMessages(), n)
	if r.subscription.lease > r.subscription.own {
		batch = r.lengthen(ctx, batch)
	}
	return batch, nil
}

// admit turns what Pub/Sub handed out into messages, and gives back what it does not return. Of an
// ordering key nothing is returned that comes behind a message that was given back and has not come
// again.
func (r *Receiver) admit(ctx context.Context, raw []*pubsubpb.ReceivedMessage, limit int) []*message.Message {
	var (
		batch   []*message.Message
		surplus []receiver.Unwanted
	)
	for _, m := range raw {
		key, id := r.orderOf(m), m.GetMessage().GetMessageId()
		delay, unwanted := r.order.Pass(key, id, r.grace())
		if !unwanted && (id == "" || len(batch) == limit) {
			unwanted = true
			if key != "" {
				r.order.ExpectFirst(key, id, time.Now(), r.grace()) // and what comes behind it waits
			}
		}
		if unwanted {
			surplus = append(surplus, receiver.Unwanted{Handle: m.GetAckId(), Delay: delay})
			continue
		}
		r.deferred.forget(id)
		batch = append(batch, r.convert(m))
	}
	r.giveBack(ctx, surplus)
	return batch
}

// orderOf is the key by which m is ordered; empty where it is not.
func (r *Receiver) orderOf(m *pubsubpb.ReceivedMessage) string {
	if !r.subscription.ordered {
		return ""
	}
	return m.GetMessage().GetOrderingKey()
}

// lengthen asks for the wanted lease. A message whose lease could not be changed stays under the
// subscription's own; one that is lost by now is not returned.
func (r *Receiver) lengthen(ctx context.Context, batch []*message.Message) []*message.Message {
	for _, m := range batch {
		m.Lease = r.subscription.lease
	}
	errs := r.Extend(context.WithoutCancel(ctx), batch)
	var kept []*message.Message
	for i, m := range batch {
		if errors.Is(errs[i], receiver.ErrLeaseLost) {
			continue
		}
		if errs[i] != nil {
			m.Lease = r.subscription.own
		}
		kept = append(kept, m)
	}
	return kept
}

// giveBack makes messages available again, in the background.
func (r *Receiver) giveBack(ctx context.Context, surplus []receiver.Unwanted) {
	if len(surplus) == 0 {
		return
	}
	r.background.Go(func() {
		receiver.GiveBack(ctx, surplus, 2*api.CallTimeout, func(ctx context.Context, u receiver.Unwanted) error {
			return r.deadlines.Submit(ctx, u.Handle, receiver.WholeSeconds(u.Delay, maxLease))
		})
	})
}
