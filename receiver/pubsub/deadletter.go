package pubsub

import (
	"context"
	"fmt"
	"path"
	"strings"

	"carrier/message"
	publisher "carrier/publisher/pubsub"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/pubsub/api"
)

// findTopic learns where dead letters go, if o names a place. A topic named without its project is
// in the subscription's. Credentials that may only publish are enough.
func (c *client) findTopic(ctx context.Context, o Options) ([]preflight.Notice, error) {
	if o.DeadLetterTopic == "" {
		return nil, nil
	}
	project := path.Base(path.Dir(path.Dir(c.subscription)))
	topic, err := publisher.TopicPath(o.DeadLetterTopic, project)
	if err != nil {
		return nil, err
	}
	notices, err := c.FindTopic(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("dead-letter %w", err)
	}
	c.topic = topic
	return notices, nil
}

// moveToDeadLetters publishes a copy of m to the dead-letter topic, once, and acknowledges m. When
// the answer to the publish is lost the copy is published again. The ordering key goes along: dead
// letters keep their order.
func (r *Receiver) moveToDeadLetters(ctx context.Context, m *message.Message, o message.Outcome) error {
	if r.client.topic == "" {
		return receiver.ErrNoDeadLetter // the subscription's own policy is all there is
	}
	to := receiver.DeadLetters{
		To:       publisher.Over(r.client.Client, r.client.topic),
		Reserved: func(name string) bool { return strings.HasPrefix(name, api.Reserved) },
		Warn:     func(_, text string, err error) { r.options.Warn(text, err) },
	}
	return receiver.ReceiptOf[receipt](m).deadLetter.Settle(
		func() error { return to.Send(ctx, m, o) },
		func() error { return r.acknowledge(ctx, m) },
	)
}
