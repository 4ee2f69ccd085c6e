package pubsub

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"carrier/message"
	"carrier/receiver"
)

// Extend renews leases, in one call where they are of one length. There is no limit
// to how often. A lease that is over by our own clock, and that of a message which
// was settled, is lost without asking: Pub/Sub agrees to renew either, and does nothing,
// unless the subscription delivers exactly once.
func (r *Receiver) Extend(ctx context.Context, batch []*message.Message) []error {
	var (
		now     = time.Now()
		errs    = make([]error, len(batch))
		asked   []*request
		indices []int
	)
	for i, m := range batch {
		rc := receiptOf(m)
		if rc.settled.Load() || !now.Before(m.Expires()) {
			errs[i] = &receiver.Error{Operation: opExtend, Class: receiver.Invalid, Err: receiver.ErrLeaseLost}
			continue
		}
		asked = append(asked, &request{ackID: rc.ackID, seconds: wholeSeconds(m.Lease)})
		indices = append(indices, i)
	}
	for k, err := range r.client.modify(ctx, opExtend, asked) {
		i := indices[k]
		errs[i] = err
		if err == nil {
			// From before the call: Pub/Sub counts from some moment during it.
			batch[i].Renew(now.Add(time.Duration(asked[k].seconds) * time.Second))
		}
	}
	return errs
}

// modify sets ack deadlines from now, in one call for each length; one error for each
// request. Operation names what it is done for.
func (c *client) modify(ctx context.Context, operation string, batch []*request) []error {
	errs := make([]error, len(batch))
	byLength := map[int32][]int{}
	for i, r := range batch {
		byLength[r.seconds] = append(byLength[r.seconds], i)
	}
	for seconds, indices := range byLength {
		ids := make([]string, len(indices))
		for k, i := range indices {
			ids[k] = batch[i].ackID
		}
		in := &pubsubpb.ModifyAckDeadlineRequest{Subscription: c.subscription, AckIds: ids, AckDeadlineSeconds: seconds}
		_, err := do(ctx, c, operation, func(ctx context.Context) (*emptypb.Empty, error) {
			return c.api.ModifyAckDeadline(ctx, in)
		})
		for k, err := range entryErrors(operation, err, ids) {
			errs[indices[k]] = err
		}
	}
	return errs
}

// acknowledge ends messages for good, in one call; one error for each request.
func (c *client) acknowledge(ctx context.Context, batch []*request) []error {
	ids := make([]string, len(batch))
	for i, r := range batch {
		ids[i] = r.ackID
	}
	_, err := do(ctx, c, opAck, func(ctx context.Context) (*emptypb.Empty, error) {
		return c.api.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: c.subscription, AckIds: ids})
	})
	return entryErrors(opAck, err, ids)
}
