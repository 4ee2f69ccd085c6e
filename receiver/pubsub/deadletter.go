package pubsub

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/preflight"
)

// What Pub/Sub takes with a message.
// https://cloud.google.com/pubsub/quotas#resource_limits
const maxAttributes = 100

// reserved begins the names of attributes that Pub/Sub adds itself and takes from nobody.
const reserved = "goog"

// topicPath is the full name of a topic.
var topicPath = regexp.MustCompile(`^projects/[^/]+/topics/[^/]+$`)

// findTopic learns where dead letters go, if o names a place. A topic named without its project is
// in the subscription's. Credentials that may only publish are enough.
func (c *client) findTopic(ctx context.Context, o Options) ([]preflight.Notice, error) {
	switch {
	case o.DeadLetterTopic == "":
		return nil, nil
	case topicPath.MatchString(o.DeadLetterTopic):
		c.topic = o.DeadLetterTopic
	case strings.Contains(o.DeadLetterTopic, "/"):
		return nil, invalid("%q is neither a name nor projects/P/topics/T", o.DeadLetterTopic)
	default:
		c.topic = path.Dir(path.Dir(c.subscription)) + "/topics/" + o.DeadLetterTopic
	}
	_, err := do(ctx, c, opGetTopic, func(ctx context.Context) (*pubsubpb.Topic, error) {
		return c.topics.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: c.topic})
	})
	if receiver.ClassOf(err) == receiver.Denied {
		return []preflight.Notice{{Text: "the dead-letter topic may not be read: whether it is there is not known", Err: err}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("dead-letter topic %s: %w", c.topic, err)
	}
	return nil, nil
}

// moveToDeadLetters publishes a copy of m to the dead-letter topic, once, and acknowledges m. When
// the answer to the publish is lost the copy is published again.
func (r *Receiver) moveToDeadLetters(ctx context.Context, m *message.Message, o message.Outcome) error {
	if r.client.topic == "" {
		return receiver.ErrNoDeadLetter // the subscription's own policy is all there is
	}
	own := original(m)
	publish := func(ours []message.Attribute) error { return r.client.publish(ctx, m, withOurs(own, ours)) }
	return receiver.ReceiptOf[receipt](m).deadLetter.Settle(
		func() error {
			return receiver.SendDeadLetter(receiver.DeadLetterAttributes(m, o), publish, r.options.Warn)
		},
		func() error { return r.acknowledge(ctx, m) },
	)
}

// publish sends a copy of m. The ordering key goes along: dead letters keep their order.
func (c *client) publish(ctx context.Context, m *message.Message, attributes map[string]string) error {
	in := &pubsubpb.PublishRequest{Topic: c.topic, Messages: []*pubsubpb.PubsubMessage{{
		Data: m.Body, Attributes: attributes, OrderingKey: m.Group,
	}}}
	_, err := do(ctx, c, opPublish, func(ctx context.Context) (*pubsubpb.PublishResponse, error) {
		return c.topics.Publish(ctx, in)
	})
	return err
}

// original returns the attributes that m's producer gave it.
func original(m *message.Message) map[string]string {
	own := make(map[string]string, len(m.Attributes))
	for _, a := range m.Attributes {
		if !strings.HasPrefix(a.Name, reserved) {
			own[a.Name] = a.Value
		}
	}
	return own
}

// withOurs returns a message's own attributes and ours, as far as there is room. What an earlier
// dead letter left is replaced.
func withOurs(own map[string]string, ours []message.Attribute) map[string]string {
	all := maps.Clone(own)
	if len(ours) > 0 {
		maps.DeleteFunc(all, func(name, _ string) bool { return receiver.IsDeadLetterAttribute(name) })
	}
	for _, a := range ours {
		if len(all) < maxAttributes {
			all[a.Name] = a.Value
		}
	}
	return all
}
