package pubsub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"strconv"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/preflight"
)

// What Pub/Sub takes with a message.
// https://cloud.google.com/pubsub/quotas#resource_limits
const (
	maxAttributes = 100
	maxValue      = 1024 // bytes of an attribute
)

// reserved begins the names of attributes that Pub/Sub adds itself and takes from nobody.
const reserved = "goog"

// topicPath is the full name of a topic.
var topicPath = regexp.MustCompile(`^projects/[^/]+/topics/[^/]+$`)

// findTopic learns where dead letters go, if o names a place. A topic named without its
// project is in the subscription's. Credentials that may only publish are enough.
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

// bury publishes m's copy to the dead-letter topic, once. When an answer is lost the copy
// is published again.
func (r *Receiver) bury(ctx context.Context, m *message.Message, o message.Outcome) error {
	rc := receiptOf(m)
	switch {
	case r.client.topic == "":
		return receiver.ErrNoDeadLetter // the subscription's own policy is all there is
	case rc.copied:
		return nil
	}
	own := original(m)
	err := r.client.publish(ctx, m, epitaph(own, m, o))
	if receiver.ClassOf(err) == receiver.Invalid {
		// Most likely the message is as large as one may be, and ours on top is too much.
		r.options.Warn("a dead letter is sent without its reason", errors.Unwrap(err))
		err = r.client.publish(ctx, m, own)
	}
	rc.copied = err == nil
	return err
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

// epitaph returns a message's own attributes with the reason of its end, as far as there
// is room. What an earlier death left is replaced.
func epitaph(own map[string]string, m *message.Message, o message.Outcome) map[string]string {
	all := maps.Clone(own)
	for _, a := range []message.Attribute{
		{Name: "Carrier.Reason", Value: printable(o.Reason)},
		{Name: "Carrier.Status", Value: strconv.Itoa(o.Status)},
		{Name: "Carrier.Attempts", Value: strconv.Itoa(m.ReceiveCount)},
	} {
		if _, earlier := all[a.Name]; earlier || len(all) < maxAttributes {
			all[a.Name] = a.Value
		}
	}
	return all
}

// printable makes reason a value that Pub/Sub takes: UTF-8, and not too long.
func printable(reason string) string {
	reason = strings.ToValidUTF8(reason, "?")
	if len(reason) > maxValue {
		reason = strings.ToValidUTF8(reason[:maxValue], "") // it may end within a letter
	}
	if reason == "" {
		return "rejected"
	}
	return reason
}
