// Package nats takes messages from a durable pull consumer of NATS JetStream. carrier creates
// nothing there: `carrier check` says which command would.
//
// JetStream agrees to settle and to renew what is no longer ours, so that its agreement is no proof:
// a lease that is over by our own clock is lost without asking. Nothing is tried twice in here:
// backing off belongs to the caller, who knows how much of a lease is left.
package nats

import (
	"context"
	"sync"

	"carrier/message"
	publisher "carrier/publisher/nats"
	"carrier/receiver"
	"carrier/receiver/nats/api"
	"carrier/receiver/order"
)

// Operations lists every operation that an Observer is told of, for metrics that are there from
// the start.
func Operations() []string { return api.Operations() }

// remembered is how many groups are remembered whose next message is known.
const remembered = 10_000

// A Receiver is one consumer. It implements receiver.Receiver.
type Receiver struct {
	options    Options
	order      *order.Guard // groups whose next message is known
	background sync.WaitGroup

	// Set by the Open that succeeds, before any other method is called.
	client      *api.Client
	consumer    consumer
	pulls       *puller
	deadLetters receiver.DeadLetters // To is nil where there are none
}

var _ receiver.Receiver = (*Receiver)(nil)

// New assembles a Receiver. It dials nothing.
func New(o Options) *Receiver {
	return &Receiver{options: o.withDefaults(), order: order.NewGuard(remembered, inStream)}
}

// Open reaches the server and the consumer, and finds out whether some stream takes what is
// published to the dead-letter subject. An error's class tells a consumer that is not there
// (receiver.NotFound), may not be used (Denied, Credentials) or is of another kind (Invalid) from
// one that could not be reached.
func (r *Receiver) Open(ctx context.Context) error {
	c, err := api.Connect(ctx, r.options.api())
	if err != nil {
		return err
	}
	found, err := find(ctx, c, r.options)
	if err == nil {
		err = findDeadLetters(ctx, c, r.options, found)
	}
	if err != nil {
		c.Close()
		return err
	}
	r.client, r.consumer, r.pulls = c, found, newPuller(c, found)
	if r.options.DeadLetterSubject != "" {
		r.deadLetters = receiver.DeadLetters{
			To: publisher.Over(c, r.options.DeadLetterSubject, found.maxBytes), Reserved: api.IsReserved, Warn: r.options.Warn,
			Subject: func(m *message.Message) string { return receiver.ReceiptOf[receipt](m).msg.Subject },
		}
	}
	return nil
}

// Close waits for what is being given back, and closes the connection. It may be called without a
// successful Open, and again.
func (r *Receiver) Close() error {
	if r.client == nil {
		return nil
	}
	r.background.Wait()
	r.client.Close()
	return nil
}
