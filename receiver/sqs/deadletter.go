package sqs

import (
	"context"
	"path"
	"strings"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/api"
)

// maxAttributes is how many attributes SQS takes with a message.
const maxAttributes = 10

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
	rc := receiver.ReceiptOf[receipt](m)
	send := func(ours []message.Attribute) error { return r.sendDeadLetter(ctx, m, withOurs(rc.attributes, ours)) }
	warn := func(text string, err error) { r.options.Warn(Warning{Text: text, MessageID: m.ID, Err: err}) }
	return rc.deadLetter.Settle(
		func() error { return receiver.SendDeadLetter(receiver.DeadLetterAttributes(m, o), send, warn) },
		func() error { return r.deletes.Submit(ctx, rc.handle, 0) },
	)
}

func (r *Receiver) sendDeadLetter(ctx context.Context, m *message.Message, attributes []api.Attribute) error {
	to := r.queue.deadLetter
	copied := api.OutgoingMessage{Body: m.Body, Attributes: attributes, Trace: m.Trace}
	if strings.HasSuffix(to.url, ".fifo") {
		copied.Deduplication, copied.Group = m.ID, m.Group
		if m.Group == "" {
			copied.Group = m.ID // behind no other
		}
	}
	return to.client.Send(ctx, to.url, copied)
}

// withOurs returns a message's own attributes and ours, as far as there is room. What an earlier
// dead letter left is replaced; a damaged value has nothing to be sent.
func withOurs(own []api.Attribute, ours []message.Attribute) []api.Attribute {
	var all []api.Attribute
	for _, a := range own {
		if !a.Damaged && (len(ours) == 0 || !receiver.IsDeadLetterAttribute(a.Name)) {
			all = append(all, a)
		}
	}
	for _, a := range ours {
		if len(all) < maxAttributes {
			all = append(all, api.Attribute{Name: a.Name, Type: typeOf(a.Name), Text: a.Value})
		}
	}
	return all
}

// typeOf is the type of one of our attributes.
func typeOf(name string) string {
	switch name {
	case "Carrier.Status", "Carrier.Attempts":
		return "Number"
	}
	return "String"
}
