package sqs

import (
	"context"
	"fmt"
	"time"

	"carrier/internal/batch"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/api"
)

// Check looks at everything that can be looked at without taking or changing a
// message: credentials, queue, attributes, the permissions to delete and to change
// visibility, and where dead letters go. attempt is how long the worker may take for
// one message. It neither needs an Open nor replaces it.
func (r *Receiver) Check(ctx context.Context, attempt time.Duration) []preflight.Finding {
	c, notices, err := api.Connect(ctx, r.options.api())
	if err != nil {
		return []preflight.Finding{preflight.Failed("the AWS configuration", err)}
	}
	defer c.Close()
	findings := preflight.Warnings(notices)
	findings = append(findings, preflight.OK.Finding(fmt.Sprintf("region %s, endpoint %s", c.Region(), c.Endpoint())))
	q, notices, err := find(ctx, c, r.options)
	if err != nil {
		return append(findings, preflight.Failed("the queue", err))
	}
	findings = append(findings, preflight.OK.Finding("queue "+q.url))
	findings = append(findings, preflight.Warnings(notices)...)
	findings = append(findings, preflight.LeaseFor(attempt, "visibility timeout", q.lease), redriveFinding(q))
	findings = append(findings, permission(ctx, c, api.OpDelete, q), permission(ctx, c, api.OpChange, q))
	return append(findings, preflight.OK.Finding("permission to receive: not tried, it would take messages"))
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
func permission(ctx context.Context, c *api.Client, operation string, q queue) preflight.Finding {
	probe := []*batch.Entry{{ID: "carrier-check"}}
	what := "permission to delete"
	call := func() []error { return c.DeleteBatch(ctx, q.url, probe) }
	if operation == api.OpChange {
		what = "permission to change visibility"
		call = func() []error { return c.ChangeBatch(ctx, api.OpChange, q.url, probe) }
	}
	return preflight.Permission(what, call()[0])
}
