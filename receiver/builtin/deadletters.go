package builtin

import (
	"context"
	"fmt"

	"carrier/config"
	"carrier/internal/deadletter"
)

// DeadLetters opens the store of the dead letters of c, whose source is a distributed queue, without
// its receiver. Its error wraps deadletter.ErrUnsupported where they cannot be looked into, and says
// what to do then.
func DeadLetters(ctx context.Context, c *config.Route, o Options) (deadletter.Store, error) {
	if open := kinds()[c.Receiver].deadLetters; open != nil {
		return open(ctx, c, o)
	}
	return nil, NoDeadLetters(c)
}

// NoDeadLetters says what to do about the dead letters of a route that cannot be looked into.
func NoDeadLetters(c *config.Route) error {
	switch c.Receiver {
	case config.PubSub:
		return fmt.Errorf("%w: Pub/Sub lets nobody read a topic; make a subscription of %s, and let a carrier with CARRIER_PUBSUB_SUBSCRIPTION set to it forward to the topic that this route's subscription is of (CARRIER_TRANSMITTER=forward, CARRIER_FORWARD_TO=pubsub, CARRIER_FORWARD_PUBSUB_TOPIC), or pull from it with gcloud pubsub subscriptions pull",
			deadletter.ErrUnsupported, c.Variable("CARRIER_DEAD_LETTER_TOPIC"))
	case config.NATS:
		return fmt.Errorf("%w: JetStream does not keep which subject a message had; make a durable consumer on the stream of %s, and let a carrier with CARRIER_NATS_CONSUMER set to it forward to the subject that this route's consumer gets (CARRIER_TRANSMITTER=forward, CARRIER_FORWARD_TO=nats, CARRIER_FORWARD_NATS_SUBJECT)",
			deadletter.ErrUnsupported, c.Variable("CARRIER_DEAD_LETTER_SUBJECT"))
	}
	return fmt.Errorf("%w: the %s receiver", deadletter.ErrUnsupported, c.Receiver)
}
