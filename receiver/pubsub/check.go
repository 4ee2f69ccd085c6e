package pubsub

import (
	"context"
	"fmt"
	"time"

	"carrier/internal/batch"
	"carrier/receiver/preflight"
	"carrier/receiver/pubsub/api"
)

// Check looks at everything that can be looked at without taking or changing a message:
// credentials, subscription, the permission to consume, and where dead letters go. attempt is how
// long the worker may take for one message. It neither needs an Open nor replaces it.
func (r *Receiver) Check(ctx context.Context, attempt time.Duration) []preflight.Finding {
	c, notices, err := connect(ctx, r.options)
	if err != nil {
		return []preflight.Finding{preflight.Failed("the Google configuration", err)}
	}
	defer c.Close()
	findings := append(preflight.Warnings(notices), preflight.OK.Finding("endpoint "+c.Host()))
	s, notices, err := c.find(ctx, r.options)
	if err != nil {
		return append(findings, preflight.Failed("the subscription", err))
	}
	findings = append(findings, preflight.OK.Finding("subscription "+s.path))
	findings = append(findings, preflight.Warnings(notices)...)
	findings = append(findings, preflight.LeaseFor(attempt, "ack deadline", s.lease), deadLetterFinding(s), kindFinding(s))
	findings = append(findings, c.topicFindings(ctx, r.options)...)
	return append(findings, c.permission(ctx), preflight.OK.Finding("receiving: not tried, it would take messages"))
}

func deadLetterFinding(s subscription) preflight.Finding {
	policy := s.known.GetDeadLetterPolicy()
	switch {
	case s.known == nil:
		return preflight.Warn.Finding("whether the subscription has a dead-letter policy is not known")
	case policy.GetDeadLetterTopic() == "":
		return preflight.Warn.Finding("the subscription has no dead-letter policy: a message that always fails is tried until it expires, and its receive count is carrier's own")
	}
	return preflight.OK.Finding(fmt.Sprintf("dead letters after %d deliveries: %s", policy.GetMaxDeliveryAttempts(), policy.GetDeadLetterTopic()))
}

// topicFindings says where carrier publishes dead letters. Whether it may is not tried: that would
// publish one.
func (c *client) topicFindings(ctx context.Context, o Options) []preflight.Finding {
	if o.DeadLetterTopic == "" {
		return nil
	}
	notices, err := c.findTopic(ctx, o)
	if err != nil {
		return []preflight.Finding{preflight.Failed("dead letters", err)}
	}
	return append(preflight.Warnings(notices), preflight.OK.Finding("what carrier rejects goes to "+c.topic+"; permission to publish: not tried"))
}

func kindFinding(s subscription) preflight.Finding {
	if s.known == nil {
		return preflight.Warn.Finding("whether the subscription orders messages is not known: every ordering key is taken for one that does")
	}
	order, times := "in any order", "at least once"
	if s.ordered {
		order = "in order by ordering key"
	}
	if s.exactlyOnce {
		times = "exactly once"
	}
	return preflight.OK.Finding("messages come " + order + ", " + times)
}

// permission renews the lease of an ack id that belongs to no message. The permission is the same
// for pulling, acknowledging and renewing.
func (c *client) permission(ctx context.Context) preflight.Finding {
	return preflight.Permission("permission to consume", c.modify(ctx, api.OpModify, []*batch.Entry{{ID: "carrier-check"}})[0])
}
