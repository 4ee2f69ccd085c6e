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
	if c.Receiver == config.PubSub {
		return fmt.Errorf("%w: Pub/Sub lets nobody look into a topic; make a subscription of %s, and let a carrier with CARRIER_PUBSUB_SUBSCRIPTION set to it forward to the topic that this route's subscription is of (CARRIER_TRANSMITTER=forward, CARRIER_FORWARD_TO=pubsub, CARRIER_FORWARD_PUBSUB_TOPIC): docs/dead-letters.md has the commands",
			deadletter.ErrUnsupported, c.Variable("CARRIER_DEAD_LETTER_TOPIC"))
	}
	return fmt.Errorf("%w: the %s receiver", deadletter.ErrUnsupported, c.Receiver)
}
