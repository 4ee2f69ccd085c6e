package pubsub

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/pubsub/api"
)

// subscriptionPath is the full name of a subscription.
var subscriptionPath = regexp.MustCompile(`^projects/[^/]+/subscriptions/[^/]+$`)

// A subscription is what is known of it.
type subscription struct {
	path string
	// own is the ack deadline that a pull gives: the subscription's, or the least there is where
	// that is not known.
	own time.Duration
	// lease is the one to keep messages under.
	lease time.Duration
	// ordered says that messages of one ordering key come in order.
	ordered bool
	// exactlyOnce says that an answer to an acknowledgement can be relied on.
	exactlyOnce bool
	// known is what Pub/Sub says of it; nil where it may not be read.
	known *pubsubpb.Subscription
}

// redriveAfter names the topic to which Pub/Sub moves a message that came for the nth time, unless
// this delivery ends it; empty where it comes again, or where the policy is not known.
func (s subscription) redriveAfter(n int) string {
	policy := s.known.GetDeadLetterPolicy()
	if most := int(policy.GetMaxDeliveryAttempts()); most > 0 && n >= most {
		return policy.GetDeadLetterTopic()
	}
	return ""
}

// find learns of the subscription that o names.
func (c *client) find(ctx context.Context, o Options) (subscription, []preflight.Notice, error) {
	path, err := c.path(o.Subscription)
	if err != nil {
		return subscription{}, nil, err
	}
	c.subscription = path
	known, err := do(ctx, c, api.OpGet, func(ctx context.Context) (*pubsubpb.Subscription, error) {
		return c.Subscriber.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: path})
	})
	if err == nil {
		s, notices := describe(path, known, o)
		return s, notices, nil
	}
	if receiver.ClassOf(err) != receiver.Denied {
		return subscription{}, nil, fmt.Errorf("subscription %s: %w", path, err)
	}
	s := subscription{path: path, own: minLease, lease: receiver.FallbackLease, ordered: true}
	if o.AckDeadline > 0 {
		s.lease = o.AckDeadline
	}
	text := fmt.Sprintf("the subscription may not be read: asking for a lease of %s, and taking every ordering key for one that orders", s.lease)
	return s, []preflight.Notice{{Text: text, Err: err}}, nil
}

// path returns the full name of the subscription called name.
func (c *client) path(name string) (string, error) {
	switch {
	case subscriptionPath.MatchString(name):
		return name, nil
	case name == "":
		return "", api.Invalid("no subscription is given")
	case strings.Contains(name, "/"):
		return "", api.Invalid("%q is neither a name nor projects/P/subscriptions/S", name)
	case c.Project == "":
		return "", api.Invalid("no project for the subscription %s: name it as projects/P/subscriptions/S, or name its project", name)
	}
	return "projects/" + c.Project + "/subscriptions/" + name, nil
}

// describe reads what matters off what Pub/Sub says.
func describe(path string, known *pubsubpb.Subscription, o Options) (subscription, []preflight.Notice) {
	s := subscription{
		path:        path,
		own:         time.Duration(known.GetAckDeadlineSeconds()) * time.Second,
		ordered:     known.GetEnableMessageOrdering(),
		exactlyOnce: known.GetEnableExactlyOnceDelivery(),
		known:       known,
	}
	if s.own == 0 {
		s.own = minLease // what Pub/Sub makes of it
	}
	s.lease = s.own
	if o.AckDeadline > 0 {
		s.lease = time.Duration(receiver.WholeSeconds(o.AckDeadline, maxLease)) * time.Second
	}
	var notices []preflight.Notice
	if known.GetDetached() {
		notices = append(notices, preflight.Notice{Text: "the subscription is detached from its topic"})
	}
	return s, notices
}
