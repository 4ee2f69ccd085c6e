package pubsub

import (
	"context"
	"fmt"
	"time"

	"carrier/internal/bulk"
	"carrier/receiver"
)

// Check looks at everything that can be looked at without taking or changing a
// message: credentials, subscription, the permission to consume, and where dead letters
// go. attempt is how long the worker may take for one message. It neither needs an Open
// nor replaces it.
func (r *Receiver) Check(ctx context.Context, attempt time.Duration) []receiver.Finding {
	c, notices, err := connect(ctx, r.options)
	if err != nil {
		return []receiver.Finding{receiver.Failed("the Google configuration", err)}
	}
	defer c.close()
	findings := append(receiver.Warnings(notices), receiver.OK.Finding("endpoint "+c.endpoint.host))
	s, notices, err := c.find(ctx, r.options)
	if err != nil {
		return append(findings, receiver.Failed("the subscription", err))
	}
	findings = append(findings, receiver.OK.Finding("subscription "+s.path))
	findings = append(findings, receiver.Warnings(notices)...)
	findings = append(findings, receiver.LeaseFor(attempt, "ack deadline", s.lease), deadLetterFinding(s), kindFinding(s))
	findings = append(findings, c.topicFindings(ctx, r.options)...)
	return append(findings, c.permission(ctx), receiver.OK.Finding("receiving: not tried, it would take messages"))
}

func deadLetterFinding(s subscription) receiver.Finding {
	policy := s.known.GetDeadLetterPolicy()
	switch {
	case s.known == nil:
		return receiver.Warn.Finding("whether the subscription has a dead-letter policy is not known")
	case policy.GetDeadLetterTopic() == "":
		return receiver.Warn.Finding("the subscription has no dead-letter policy: a message that always fails is tried until it expires, and its receive count is carrier's own")
	}
	return receiver.OK.Finding(fmt.Sprintf("dead letters after %d deliveries: %s", policy.GetMaxDeliveryAttempts(), policy.GetDeadLetterTopic()))
}

// topicFindings says where carrier publishes dead letters. Whether it may is not tried: that
// would publish one.
func (c *client) topicFindings(ctx context.Context, o Options) []receiver.Finding {
	if o.DeadLetterTopic == "" {
		return nil
	}
	notices, err := c.findTopic(ctx, o)
	if err != nil {
		return []receiver.Finding{receiver.Failed("dead letters", err)}
	}
	return append(receiver.Warnings(notices), receiver.OK.Finding("what carrier rejects goes to "+c.topic+"; permission to publish: not tried"))
}

func kindFinding(s subscription) receiver.Finding {
	if s.known == nil {
		return receiver.Warn.Finding("whether the subscription orders messages is not known: every ordering key is taken for one that does")
	}
	order, times := "in any order", "at least once"
	if s.ordered {
		order = "in order by ordering key"
	}
	if s.exactlyOnce {
		times = "exactly once"
	}
	return receiver.OK.Finding("messages come " + order + ", " + times)
}

// permission renews the lease of an ack id that belongs to no message. The
// permission is the same for pulling, acknowledging and renewing.
func (c *client) permission(ctx context.Context) receiver.Finding {
	return receiver.Permission("permission to consume", c.modify(ctx, opModify, []*bulk.Entry{{ID: "carrier-check"}})[0])
}
