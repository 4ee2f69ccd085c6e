package sqs

import (
	"context"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/api"
)

// maxAttributes is how many attributes SQS takes with a message.
const maxAttributes = 10

// maxReason is the most bytes of a reason that a dead letter carries.
const maxReason = 1024

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

// DeadLetterKnown reports whether there is a queue for dead letters: one that was
// configured, or the redrive policy's. It may be asked after Open.
func (r *Receiver) DeadLetterKnown() bool { return r.queue.deadLetter.url != "" }

// findDeadLetter returns the configured dead-letter queue, else the one that q's
// redrive policy names.
func findDeadLetter(ctx context.Context, c *api.Client, q queue, configured string) (deadLetterQueue, []preflight.Notice, error) {
	if configured != "" {
		there, err := c.InRegionOf(ctx, configured)
		return deadLetterQueue{url: configured, client: there}, nil, err
	}
	policy, ok := q.redrive()
	if !ok {
		return deadLetterQueue{}, nil, nil
	}
	name, owner := nameOf(policy.Target), accountOf(policy.Target)
	if owner == q.account {
		owner = ""
	}
	address, err := lookUp(ctx, c, name, owner)
	switch receiver.ClassOf(err) {
	case receiver.Denied:
		// SQS redrives on its own account, so nobody has needed that permission
		// before. A dead-letter queue is always in its queue's region and account.
		return deadLetterQueue{url: strings.TrimSuffix(q.url, path.Base(q.url)) + name, client: c}, nil, nil
	case receiver.NotFound, receiver.Invalid:
		return deadLetterQueue{}, []preflight.Notice{{Text: "the redrive policy's dead-letter queue was not found", Err: err}}, nil
	}
	return deadLetterQueue{url: address, client: c}, nil, err
}

// bury sends m's copy to the dead-letter queue, once. When an answer is lost the
// copy is sent again; only a FIFO queue drops the second one.
func (r *Receiver) bury(ctx context.Context, m *message.Message, o message.Outcome) error {
	rc := receiptOf(m)
	if !r.DeadLetterKnown() {
		return receiver.ErrNoDeadLetter
	}
	if rc.copied {
		return nil
	}
	err := r.sendCopy(ctx, m, epitaph(rc.attributes, m, o))
	if receiver.ClassOf(err) == receiver.Invalid {
		// Most likely the message is as large as one may be, and ours on top is too much.
		r.options.Warn(Warning{Text: "a dead letter is sent without its reason", MessageID: m.ID, Err: errors.Unwrap(err)})
		err = r.sendCopy(ctx, m, rc.attributes)
	}
	rc.copied = err == nil
	return err
}

func (r *Receiver) sendCopy(ctx context.Context, m *message.Message, attributes []api.Attribute) error {
	to := r.queue.deadLetter
	letter := api.Letter{Body: m.Body, Attributes: attributes, Trace: m.Trace}
	if strings.HasSuffix(to.url, ".fifo") {
		letter.Deduplication, letter.Group = m.ID, m.Group
		if m.Group == "" {
			letter.Group = m.ID // from a standard queue: behind no other
		}
	}
	return to.client.Send(ctx, to.url, letter)
}

// epitaph returns a message's own attributes with the reason of its end, as far as
// there is room. What an earlier death left is replaced.
func epitaph(own []api.Attribute, m *message.Message, o message.Outcome) []api.Attribute {
	all := slices.Clone(own)
	for _, a := range []api.Attribute{
		{Name: "Carrier.Reason", Type: "String", Text: printable(o.Reason)},
		{Name: "Carrier.Status", Type: "Number", Text: strconv.Itoa(o.Status)},
		{Name: "Carrier.Attempts", Type: "Number", Text: strconv.Itoa(m.ReceiveCount)},
	} {
		i := slices.IndexFunc(all, func(b api.Attribute) bool { return b.Name == a.Name })
		switch {
		case i >= 0:
			all[i] = a
		case len(all) < maxAttributes:
			all = append(all, a)
		}
	}
	return all
}

// printable makes reason a value that SQS takes: not empty, not too long, and of
// the characters that XML 1.0 allows.
func printable(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	reason = strings.Map(func(c rune) rune {
		switch {
		case c == utf8.RuneError, c < ' ', c == 0xFFFE, c == 0xFFFF:
			return '?'
		}
		return c
	}, reason)
	if reason == "" {
		return "rejected"
	}
	return reason
}
