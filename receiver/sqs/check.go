package sqs

import (
	"context"
	"fmt"
	"time"

	"carrier/internal/batch"
	"carrier/receiver/preflight"
)

// Check looks at everything that can be looked at without taking or changing a
// message: credentials, queue, attributes, the permissions to delete and to change
// visibility, and where dead letters go. attempt is how long the worker may take for
// one message. It neither needs an Open nor replaces it.
func (r *Receiver) Check(ctx context.Context, attempt time.Duration) []preflight.Finding {
	c, notices, err := connect(ctx, r.options)
	if err != nil {
		return []preflight.Finding{preflight.Failed("the AWS configuration", err)}
	}
	defer c.close()
	findings := preflight.Warnings(notices)
	findings = append(findings, preflight.OK.Finding(fmt.Sprintf("region %s, endpoint %s", c.region, describe(c.endpoint))))
	q, notices, err := c.find(ctx, r.options)
	if err != nil {
		return append(findings, preflight.Failed("the queue", err))
	}
	findings = append(findings, preflight.OK.Finding("queue "+q.url))
	findings = append(findings, preflight.Warnings(notices)...)
	findings = append(findings, preflight.LeaseFor(attempt, "visibility timeout", q.lease), redriveFinding(q))
	findings = append(findings, c.permission(ctx, opDelete, q), c.permission(ctx, opChange, q))
	return append(findings, preflight.OK.Finding("permission to receive: not tried, it would take messages"))
}

func describe(endpoint string) string {
	if endpoint == "" {
		return "of AWS"
	}
	return originOf(endpoint)
}

func redriveFinding(q queue) preflight.Finding {
	policy, ok := q.redrive()
	switch {
	case ok && q.deadLetter.url == "":
		return preflight.Warn.Finding("the redrive policy's dead-letter queue is not reachable: " + policy.Target)
	case ok:
		return preflight.OK.Finding(fmt.Sprintf("dead letters after %s receives: %s", policy.Receives, q.deadLetter.url))
	case q.deadLetter.url != "":
		return preflight.Warn.Finding("the queue has no redrive policy; only what carrier rejects goes to " + q.deadLetter.url)
	case q.attributes == nil:
		return preflight.Warn.Finding("whether the queue has a redrive policy is not known")
	}
	return preflight.Warn.Finding("the queue has no redrive policy: a message that always fails is tried until it expires")
}

// permission tries operation on a receipt handle that belongs to no message. An
// error of the entry is no error of the permission.
func (c *client) permission(ctx context.Context, operation string, q queue) preflight.Finding {
	probe := []*batch.Entry{{ID: "carrier-check"}}
	what := "permission to delete"
	call := func() []error { return c.deleteBatch(ctx, q.url, probe) }
	if operation == opChange {
		what = "permission to change visibility"
		call = func() []error { return c.changeBatch(ctx, opChange, q.url, probe) }
	}
	return preflight.Permission(what, call()[0])
}
