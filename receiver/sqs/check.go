package sqs

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"carrier/internal/batch"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/api"
)

// Check looks at everything that can be looked at without taking or changing a message:
// credentials, queue, attributes, the permissions to delete and to change visibility, and where
// dead letters go. attempt is how long the worker may take for one message. It neither needs an
// Open nor replaces it.
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
	defer q.deadLetter.close(c)
	findings = append(findings, preflight.OK.Finding("queue "+q.url))
	findings = append(findings, preflight.Warnings(notices)...)
	findings = append(findings, preflight.LeaseFor(attempt, "visibility timeout", q.lease), redriveFinding(q))
	findings = append(findings, waitingFinding("the queue", q.attributes)...)
	findings = append(findings, deadLettersFinding(ctx, q)...)
	findings = append(findings, permission(ctx, c, api.OpDelete, q), permission(ctx, c, api.OpChange, q))
	return append(findings, preflight.OK.Finding("permission to receive: not tried, it would take messages"))
}

// waitingFinding says how many messages the queue holds, where it tells.
func waitingFinding(what string, attributes map[string]string) []preflight.Finding {
	waiting, inFlight, delayed := attributes["ApproximateNumberOfMessages"], attributes["ApproximateNumberOfMessagesNotVisible"], attributes["ApproximateNumberOfMessagesDelayed"]
	if waiting == "" {
		return nil
	}
	return []preflight.Finding{preflight.OK.Finding(fmt.Sprintf("%s: %s messages waiting, %s in flight, %s delayed",
		what, waiting, cmp.Or(inFlight, "0"), cmp.Or(delayed, "0")))}
}

// deadLettersFinding says how many messages the dead-letter queue holds, where that may be read.
func deadLettersFinding(ctx context.Context, q queue) []preflight.Finding {
	if q.deadLetter.url == "" {
		return nil
	}
	attributes, err := q.deadLetter.client.QueueAttributes(ctx, q.deadLetter.url)
	if receiver.ClassOf(err) == receiver.NotFound {
		return []preflight.Finding{preflight.Failed("the dead-letter queue "+q.deadLetter.url, err)}
	}
	return waitingFinding("the dead-letter queue", attributes)
}

func redriveFinding(q queue) preflight.Finding {
	known := q.policy.Target != ""
	switch {
	case known && q.deadLetter.url == "":
		return preflight.Warn.Finding("the redrive policy's dead-letter queue is not reachable: " + q.policy.Target)
	case known:
		return preflight.OK.Finding(fmt.Sprintf("dead letters after %s receives: %s", q.policy.Receives, q.deadLetter.url))
	case q.deadLetter.url != "":
		return preflight.Warn.Finding("the queue has no redrive policy; only what carrier rejects goes to " + q.deadLetter.url)
	case q.attributes == nil:
		return preflight.Warn.Finding("whether the queue has a redrive policy is not known")
	}
	return preflight.Warn.Finding("the queue has no redrive policy: a message that always fails is tried until it expires")
}

// permission tries operation on a receipt handle that belongs to no message. An error of the entry
// is as good as a yes: the server has the operation and has looked at the permission first. An error
// of the whole call is none.
func permission(ctx context.Context, c *api.Client, operation string, q queue) preflight.Finding {
	probe := []*batch.Entry{{ID: "carrier-check"}}
	what := "permission to delete"
	call := func() []error { return c.DeleteBatch(ctx, q.url, probe) }
	if operation == api.OpChange {
		what = "permission to change visibility"
		call = func() []error { return c.ChangeBatch(ctx, api.OpChange, q.url, probe) }
	}
	answer := call()[0]
	if answer == nil || api.IsOfEntry(answer) {
		return preflight.Permission(what, answer)
	}
	return preflight.Failed(what, answer)
}
