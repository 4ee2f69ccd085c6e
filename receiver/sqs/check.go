package sqs

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
// message: credentials, queue, attributes, the permissions to delete and to change
// visibility, and where dead letters go. attempt is how long the worker may take for
// one message. It neither needs an Open nor replaces it.
func (r *Receiver) Check(ctx context.Context, attempt time.Duration) []Finding {
	c, notices, err := connect(ctx, r.options)
	if err != nil {
		return []Finding{failed("the AWS configuration", err)}
	}
	defer c.close()
	findings := warnings(notices)
	findings = append(findings, Finding{OK, fmt.Sprintf("region %s, endpoint %s", c.region, describe(c.endpoint))})
	q, notices, err := c.find(ctx, r.options)
	if err != nil {
		return append(findings, failed("the queue", err))
	}
	findings = append(findings, Finding{OK, "queue " + q.url})
	findings = append(findings, warnings(notices)...)
	findings = append(findings, leaseFinding(q, attempt), redriveFinding(q))
	findings = append(findings, c.permission(ctx, opDelete, q), c.permission(ctx, opChange, q))
	return append(findings, Finding{OK, "permission to receive: not tried, it would take messages"})
}

func describe(endpoint string) string {
	if endpoint == "" {
		return "of AWS"
	}
	return originOf(endpoint)
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
func leaseFinding(q queue, attempt time.Duration) Finding {
	if q.lease < attempt {
		return Finding{Warn, fmt.Sprintf("visibility timeout %s is shorter than one attempt may take (%s): it holds only as long as it is renewed", q.lease, attempt)}
	}
	return Finding{OK, fmt.Sprintf("visibility timeout %s", q.lease)}
}

func redriveFinding(q queue) Finding {
	policy, ok := q.redrive()
	switch {
	case ok && q.deadLetter.url == "":
		return Finding{Warn, "the redrive policy's dead-letter queue is not reachable: " + policy.Target}
	case ok:
		return Finding{OK, fmt.Sprintf("dead letters after %s receives: %s", policy.Receives, q.deadLetter.url)}
	case q.deadLetter.url != "":
		return Finding{Warn, "the queue has no redrive policy; only what carrier rejects goes to " + q.deadLetter.url}
	case q.attributes == nil:
		return Finding{Warn, "whether the queue has a redrive policy is not known"}
	}
	return Finding{Warn, "the queue has no redrive policy: a message that always fails is tried until it expires"}
}

// permission tries operation on a receipt handle that belongs to no message. SQS
// looks at the permission first, so an error of the entry is as good as a yes.
func (c *client) permission(ctx context.Context, operation string, q queue) Finding {
	probe := []*request{{handle: "carrier-check"}}
	what := "permission to delete"
	call := func() []error { return c.deleteBatch(ctx, q.url, probe) }
	if operation == opChange {
		what = "permission to change visibility"
		call = func() []error { return c.changeBatch(ctx, opChange, q.url, probe) }
	}
	err := call()[0]
	switch {
	case err == nil, errors.Is(err, receiver.ErrLeaseLost), receiver.ClassOf(err) == receiver.Invalid:
		return Finding{OK, what}
	}
	return failed(what, err)
}
