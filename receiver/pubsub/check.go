package pubsub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carrier/receiver"
)

// A Level says how a Finding is to be taken.
type Level string

// The levels, as they are printed.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// A Finding is one line of a preflight report.
type Finding struct {
	Level Level
	Text  string
}

// Check looks at everything that can be looked at without taking or changing a
// message: credentials, subscription, the permission to consume, and where dead letters
// go. attempt is how long the worker may take for one message. It neither needs an Open
// nor replaces it.
func (r *Receiver) Check(ctx context.Context, attempt time.Duration) []Finding {
	c, notices, err := connect(ctx, r.options)
	if err != nil {
		return []Finding{failed("the Google configuration", err)}
	}
	defer c.close()
	findings := append(warnings(notices), Finding{OK, "endpoint " + c.endpoint.host})
	s, notices, err := c.find(ctx, r.options)
	if err != nil {
		return append(findings, failed("the subscription", err))
	}
	findings = append(findings, Finding{OK, "subscription " + s.path})
	findings = append(findings, warnings(notices)...)
	findings = append(findings, leaseFinding(s, attempt), deadLetterFinding(s), kindFinding(s))
	return append(findings, c.permission(ctx), Finding{OK, "receiving: not tried, it would take messages"})
}

func failed(what string, err error) Finding {
	return Finding{Fail, fmt.Sprintf("%s: %s (%s)", what, err, receiver.ClassOf(err))}
}

func warnings(notices []notice) []Finding {
	var list []Finding
	for _, n := range notices {
		text := n.text
		if n.err != nil {
			text += ": " + n.err.Error()
		}
		list = append(list, Finding{Warn, text})
	}
	return list
}

// leaseFinding compares the lease with the time an attempt may take. A shorter one
// is renewed while the worker is busy, so nothing is wrong with it; but after a crash
// of carrier, or without its renewals, the message is handed out in the middle.
func leaseFinding(s subscription, attempt time.Duration) Finding {
	if s.lease < attempt {
		return Finding{Warn, fmt.Sprintf("ack deadline %s is shorter than one attempt may take (%s): it holds only as long as it is renewed", s.lease, attempt)}
	}
	return Finding{OK, fmt.Sprintf("ack deadline %s", s.lease)}
}

func deadLetterFinding(s subscription) Finding {
	policy := s.known.GetDeadLetterPolicy()
	switch {
	case s.known == nil:
		return Finding{Warn, "whether the subscription has a dead-letter policy is not known"}
	case policy.GetDeadLetterTopic() == "":
		return Finding{Warn, "the subscription has no dead-letter policy: a message that always fails is tried until it expires, and its receive count is carrier's own"}
	}
	return Finding{OK, fmt.Sprintf("dead letters after %d deliveries: %s", policy.GetMaxDeliveryAttempts(), policy.GetDeadLetterTopic())}
}

func kindFinding(s subscription) Finding {
	if s.known == nil {
		return Finding{Warn, "whether the subscription orders messages is not known: every ordering key is taken for one that does"}
	}
	order, times := "in any order", "at least once"
	if s.ordered {
		order = "in order by ordering key"
	}
	if s.exactlyOnce {
		times = "exactly once"
	}
	return Finding{OK, "messages come " + order + ", " + times}
}

// permission renews the lease of an ack id that belongs to no message. Pub/Sub looks
// at the permission first, which is one for pulling, acknowledging and renewing, so a
// complaint about the id is as good as a yes.
func (c *client) permission(ctx context.Context) Finding {
	err := c.modify(ctx, opModify, []*request{{ackID: "carrier-check"}})[0]
	if err == nil || errors.Is(err, receiver.ErrLeaseLost) || receiver.ClassOf(err) == receiver.Invalid {
		return Finding{OK, "permission to consume"}
	}
	return failed("permission to consume", err)
}
