package pubsub

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"carrier/internal/batch"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/pubsub/api"
)

// Extend renews leases, in one call where they are of one length. There is no limit to how often. A
// lease that is over by our own clock, and that of a message which was settled, is lost without
// asking: Pub/Sub agrees to renew either, and does nothing, unless the subscription delivers
// exactly once.
func (r *Receiver) Extend(ctx context.Context, messages []*message.Message) []error {
	var (
		now     = time.Now()
		errs    = make([]error, len(messages))
		asked   []*batch.Entry
		indices []int
	)
	for i, m := range messages {
		rc := receiver.ReceiptOf[receipt](m)
		if rc.settled.Load() || !now.Before(m.Expires()) {
			errs[i] = &receiver.Error{Operation: api.OpExtend, Class: receiver.Invalid, Err: receiver.ErrLeaseLost}
			continue
		}
		asked = append(asked, &batch.Entry{ID: rc.ackID, Seconds: receiver.WholeSeconds(m.Lease, maxLease)})
		indices = append(indices, i)
	}
	for k, err := range r.client.modify(ctx, api.OpExtend, asked) {
		i := indices[k]
		errs[i] = err
		if err == nil {
			// From before the call: Pub/Sub counts from some moment during it.
			messages[i].Renew(now.Add(time.Duration(asked[k].Seconds) * time.Second))
		}
	}
	return errs
}

// modify sets ack deadlines from now, in one call for each length; one error for each request.
// Operation names what it is done for.
func (c *client) modify(ctx context.Context, operation string, entries []*batch.Entry) []error {
	errs := make([]error, len(entries))
	byLength := map[int32][]int{}
	for i, r := range entries {
		byLength[r.Seconds] = append(byLength[r.Seconds], i)
	}
	for seconds, indices := range byLength {
		ids := make([]string, len(indices))
		for k, i := range indices {
			ids[k] = entries[i].ID
		}
		in := &pubsubpb.ModifyAckDeadlineRequest{Subscription: c.subscription, AckIds: ids, AckDeadlineSeconds: seconds}
		_, err := do(ctx, c, operation, func(ctx context.Context) (*emptypb.Empty, error) {
			return c.Subscriber.ModifyAckDeadline(ctx, in)
		})
		for k, err := range entryErrors(operation, err, ids) {
			errs[indices[k]] = err
		}
	}
	return errs
}

// acknowledge ends messages for good, in one call; one error for each request.
func (c *client) acknowledge(ctx context.Context, entries []*batch.Entry) []error {
	ids := make([]string, len(entries))
	for i, r := range entries {
		ids[i] = r.ID
	}
	_, err := do(ctx, c, api.OpAck, func(ctx context.Context) (*emptypb.Empty, error) {
		return c.Subscriber.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: c.subscription, AckIds: ids})
	})
	return entryErrors(api.OpAck, err, ids)
}

// maxBatch is the most ack ids in one call. With some two hundred bytes each they stay below the
// 512 KiB that a request may have.
const maxBatch = 1000

// linger is how long the first entry of a batch waits for others: less than one call takes, and
// long enough for the rest of a burst.
const linger = 3 * time.Millisecond

// maxInFlight is the most calls of one kind that are open at once.
const maxInFlight = 4

// newBatcher gathers entries for send.
func newBatcher(send func(context.Context, []*batch.Entry) []error) *batch.Batcher {
	return batch.New(batch.Options{Most: maxBatch, Calls: maxInFlight, Linger: linger, Send: send})
}
