package sqs

import (
	"context"
	"path"
	"strings"

	"carrier/message"
	publisher "carrier/publisher/sqs"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/api"
)

// A deadLetterQueue is where dead letters go; the zero value is nowhere.
type deadLetterQueue struct {
	url    string
	client *api.Client // the queue's own, or one for another region
}

// close closes the client, unless it is the queue's own.
func (d deadLetterQueue) close(own *api.Client) {
	if d.client != nil && d.client != own {
		d.client.Close()
	}
}

// DeadLetterKnown reports whether there is a queue for dead letters: one that was configured, or the
// redrive policy's. It is known after Open.
func (r *Receiver) DeadLetterKnown() bool { return r.queue.deadLetter.url != "" }

// findDeadLetter returns the configured dead-letter queue, else the one that q's redrive policy
// names.
func findDeadLetter(ctx context.Context, c *api.Client, q queue, configured string) (deadLetterQueue, []preflight.Notice, error) {
	if configured != "" {
		there, err := c.InRegionOf(ctx, configured)
		return deadLetterQueue{url: configured, client: there}, nil, err
	}
	if q.policy.Target == "" {
		return deadLetterQueue{}, nil, nil
	}
	name, owner := nameOf(q.policy.Target), accountOf(q.policy.Target)
	if owner == q.account {
		owner = ""
	}
	address, err := lookUp(ctx, c, name, owner)
	switch receiver.ClassOf(err) {
	case receiver.Denied:
		// SQS redrives on its own account, so nobody has needed that permission before. A
		// dead-letter queue is always in its queue's region and account.
		return deadLetterQueue{url: strings.TrimSuffix(q.url, path.Base(q.url)) + name, client: c}, nil, nil
	case receiver.NotFound, receiver.Invalid:
		return deadLetterQueue{}, []preflight.Notice{{Text: "the redrive policy's dead-letter queue was not found", Err: err}}, nil
	}
	return deadLetterQueue{url: address, client: c}, nil, err
}

// moveToDeadLetters sends a copy of m to the dead-letter queue, once, and deletes m. When the answer
// to the send is lost the copy is sent again; only a FIFO queue drops the second one.
func (r *Receiver) moveToDeadLetters(ctx context.Context, m *message.Message, o message.Outcome) error {
	if !r.DeadLetterKnown() {
		return receiver.ErrNoDeadLetter
	}
	to := receiver.DeadLetters{
		To:   publisher.Over(r.queue.deadLetter.client, r.queue.deadLetter.url),
		Warn: func(id, text string, err error) { r.options.Warn(Warning{Text: text, MessageID: id, Err: err}) },
	}
	rc := receiver.ReceiptOf[receipt](m)
	return rc.deadLetter.Settle(
		func() error { return to.Send(ctx, m, o) },
		func() error { return r.deletes.Submit(ctx, rc.handle, 0) },
	)
}
