// Package pubsub takes messages from a Google Cloud Pub/Sub subscription, or from a server that
// speaks its gRPC protocol.
//
// It is built on the generated half of Google's client: leases are the caller's, so the client
// library's own lease manager and its queues have no part in it. Nothing is tried twice in here:
// backing off belongs to the caller, who knows how much of a lease is left.
package pubsub

import (
	"context"
	"sync"

	"carrier/internal/batch"
	"carrier/receiver"
	"carrier/receiver/order"
	"carrier/receiver/pubsub/api"
)

// Causes of a duplicate, as an Observer is told of them.
const duplicateAcknowledged = "acknowledged"

// Duplicates lists the causes of a duplicate that an Observer is told of.
func Duplicates() []string { return []string{duplicateAcknowledged} }

// A Receiver is one subscription. It implements receiver.Receiver.
type Receiver struct {
	options Options

	counts     *deliveryCounts // how often a message came, where Pub/Sub does not say
	order      *order.Guard    // ordering keys whose next message is known
	deferred   *deferrals      // messages kept away for longer than Pub/Sub allows
	background sync.WaitGroup

	// Set by the Open that succeeds, before any other method is called.
	client       *client
	subscription subscription
	acks         *batch.Batcher
	deadlines    *batch.Batcher
}

var _ receiver.Receiver = (*Receiver)(nil)

// New assembles a Receiver. It dials nothing.
func New(o Options) *Receiver {
	return &Receiver{
		options: o.withDefaults(), counts: newDeliveryCounts(remembered), order: order.NewGuard(remembered, nil), deferred: newDeferrals(),
	}
}

// Open finds the credentials and the subscription, and reads its ack deadline, its ordering and
// whether it delivers exactly once, and whether the dead-letter topic is there. Credentials that
// may only consume are enough: the lease is then the one in Options, or 30 s, and every message
// with an ordering key is taken for an ordered one. An error's class tells a subscription that is
// not there (receiver.NotFound) or may not be used (Denied, Credentials) from one that could not be
// reached.
func (r *Receiver) Open(ctx context.Context) error {
	c, notices, err := connect(ctx, r.options)
	if err != nil {
		return err
	}
	s, more, err := c.find(ctx, r.options)
	notices = append(notices, more...)
	if err == nil {
		more, err = c.findTopic(ctx, r.options)
	}
	if err != nil {
		c.Close()
		return err
	}
	for _, n := range append(notices, more...) {
		r.options.Warn(n.Text, n.Err)
	}
	r.client, r.subscription = c, s
	r.acks = newBatcher(c.acknowledge)
	r.deadlines = newBatcher(func(ctx context.Context, entries []*batch.Entry) []error {
		return c.modify(ctx, api.OpModify, entries)
	})
	r.deferred.open(func(ctx context.Context, entries []*batch.Entry) []error {
		return c.modify(ctx, api.OpHold, entries)
	})
	return nil
}

// DeferralsHeld is how many messages are kept away for longer than the 600 s that Pub/Sub allows,
// at most a thousand. It may be called at any time.
func (r *Receiver) DeferralsHeld() int { return r.deferred.count() }

// CountsReceives reports whether the subscription is known to have a dead-letter policy, which counts
// deliveries. It is called after Open.
func (r *Receiver) CountsReceives() bool {
	return r.subscription.known.GetDeadLetterPolicy().GetMaxDeliveryAttempts() > 0
}

// Close lets go of what is deferred beyond ten minutes, sends what is still waiting to be settled,
// waits for the answers, and closes the connection. It may be called without a successful Open, and
// again.
func (r *Receiver) Close() error {
	if r.client == nil {
		return nil
	}
	r.background.Wait()
	r.deferred.close()
	r.acks.Close()
	r.deadlines.Close()
	r.client.Close()
	return nil
}
