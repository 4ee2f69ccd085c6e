package sqs

import (
	"context"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/preflight"
)

// maxAttributes is how many attributes SQS takes with a message.
const maxAttributes = 10

// maxReason is the most bytes of a reason that a dead letter carries.
const maxReason = 1024

// A deadLetterQueue is where dead letters go; the zero value is nowhere.
type deadLetterQueue struct {
	url     string
	options []func(*awssqs.Options) // for a queue in another region
}

// DeadLetterKnown reports whether there is a queue for dead letters: one that was
// configured, or the redrive policy's. It may be asked after Open.
func (r *Receiver) DeadLetterKnown() bool { return r.queue.deadLetter.url != "" }

// findDeadLetter returns the configured dead-letter queue, else the one that q's
// redrive policy names.
func (c *client) findDeadLetter(ctx context.Context, q queue, configured string) (deadLetterQueue, []preflight.Notice, error) {
	if configured != "" {
		return deadLetterQueue{url: configured, options: c.elsewhere(configured)}, nil, nil
	}
	policy, ok := q.redrive()
	if !ok {
		return deadLetterQueue{}, nil, nil
	}
	name, owner := nameOf(policy.Target), accountOf(policy.Target)
	if owner == q.account {
		owner = ""
	}
	address, err := c.lookUp(ctx, name, owner)
	switch receiver.ClassOf(err) {
	case receiver.Denied:
		// SQS redrives on its own account, so nobody has needed that permission
		// before. A dead-letter queue is always in its queue's region and account.
		return deadLetterQueue{url: strings.TrimSuffix(q.url, path.Base(q.url)) + name}, nil, nil
	case receiver.NotFound, receiver.Invalid:
		return deadLetterQueue{}, []preflight.Notice{{Text: "the redrive policy's dead-letter queue was not found", Err: err}}, nil
	}
	return deadLetterQueue{url: address}, nil, err
}

// elsewhere returns what a call to a queue in another region of AWS needs.
func (c *client) elsewhere(queueURL string) []func(*awssqs.Options) {
	host := hostOf(queueURL)
	region := regionOf(host)
	if !isAWS(host) || region == "" || region == c.region {
		return nil
	}
	return []func(*awssqs.Options){func(o *awssqs.Options) {
		o.Region, o.BaseEndpoint = region, aws.String(originOf(queueURL))
	}}
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
		r.options.Warn("a dead letter is sent without its reason", errors.Unwrap(err))
		err = r.sendCopy(ctx, m, rc.attributes)
	}
	rc.copied = err == nil
	return err
}

func (r *Receiver) sendCopy(ctx context.Context, m *message.Message, attributes []attribute) error {
	to := r.queue.deadLetter
	in := &awssqs.SendMessageInput{
		QueueUrl:          &to.url,
		MessageBody:       aws.String(string(m.Body)),
		MessageAttributes: valuesOf(attributes),
	}
	if m.Trace != "" {
		in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): *stringSystem(m.Trace),
		}
	}
	if strings.HasSuffix(to.url, ".fifo") {
		in.MessageDeduplicationId = &m.ID
		in.MessageGroupId = &m.Group
		if m.Group == "" {
			in.MessageGroupId = &m.ID // from a standard queue: behind no other
		}
	}
	_, err := do(ctx, r.client, opSend, func(ctx context.Context) (*awssqs.SendMessageOutput, error) {
		return r.client.api.SendMessage(ctx, in, to.options...)
	})
	return err
}

// epitaph returns a message's own attributes with the reason of its end, as far as
// there is room. What an earlier death left is replaced.
func epitaph(own []attribute, m *message.Message, o message.Outcome) []attribute {
	all := slices.Clone(own)
	for _, a := range []attribute{
		{name: "Carrier.Reason", kind: "String", text: printable(o.Reason)},
		{name: "Carrier.Status", kind: "Number", text: strconv.Itoa(o.Status)},
		{name: "Carrier.Attempts", kind: "Number", text: strconv.Itoa(m.ReceiveCount)},
	} {
		i := slices.IndexFunc(all, func(b attribute) bool { return b.name == a.name })
		switch {
		case i >= 0:
			all[i] = a
		case len(all) < maxAttributes:
			all = append(all, a)
		}
	}
	return all
}

// valuesOf returns attributes as the SDK takes them.
func valuesOf(attributes []attribute) map[string]types.MessageAttributeValue {
	values := make(map[string]types.MessageAttributeValue, len(attributes))
	for _, a := range attributes {
		value := types.MessageAttributeValue{DataType: aws.String(a.kind)}
		if a.base() == "Binary" {
			value.BinaryValue = a.binary
		} else {
			value.StringValue = aws.String(a.text)
		}
		values[a.name] = value
	}
	return values
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

func stringSystem(value string) *types.MessageSystemAttributeValue {
	return &types.MessageSystemAttributeValue{DataType: aws.String("String"), StringValue: &value}
}
