package transmitter

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"carrier/message"
	"carrier/publisher"
)

// ForwardOptions is what Forward is made of.
type ForwardOptions struct {
	// Target is the queue; it is closed by its owner.
	Target *publisher.Target
	// Name is what outcomes call the queue. It holds no secret.
	Name string
	// OriginalID is the attribute in which a message that was a dead letter keeps the id that it had
	// first; empty drops that id.
	OriginalID string
}

// Forward is a Transmitter that puts messages into a queue. A message is delivered when the queue has
// confirmed it. What the queue can never hold is rejected. Any other message that it has not confirmed
// has failed; it may have been stored all the same, and is stored again then, unless the queue knows
// it by its key: a message without one has its id for that. While the queue is away Ready waits, and
// messages are Unreached.
func Forward(o ForwardOptions) Transmitter { return &forward{o} }

type forward struct{ o ForwardOptions }

// Ready waits until the queue takes messages.
func (f *forward) Ready(ctx context.Context, promised int) (int, error) {
	return f.o.Target.Ready(ctx, promised)
}

// attributes are m's, with the id that it had first where it was a dead letter and the queue has a
// place for one attribute more: the receiver has taken it out.
func (f *forward) attributes(m *message.Message) []message.Attribute {
	if f.o.OriginalID == "" || m.OriginalID == "" {
		return m.Attributes
	}
	if _, there := m.Attribute(f.o.OriginalID); there {
		return m.Attributes
	}
	if l, known := f.o.Target.Limits(); !known || l.Spare(m) == 0 {
		return m.Attributes
	}
	return append(slices.Clone(m.Attributes), message.Attribute{Name: f.o.OriginalID, Value: m.OriginalID})
}

// Transmit stores m.
func (f *forward) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	r := f.o.Target.Put(ctx, &message.Message{
		ID: m.ID, Body: m.Body, ContentType: m.ContentType, Attributes: f.attributes(m), BinaryAttributes: m.BinaryAttributes,
		Trace: m.Trace, Group: m.Group, Key: cmp.Or(m.Key, m.ID), Due: m.Due,
	})
	if r.Err == nil {
		return message.Outcome{Verdict: message.Delivered, Code: "2xx"}
	}
	o := message.Outcome{Endpoint: f.o.Name, Code: "error", Reason: "forward: " + r.Err.Error()}
	switch {
	case errors.Is(r.Err, publisher.ErrAway):
		o.Cause, o.Code = message.Unreached, ""
	case publisher.IsPermanent(r.Err):
		o.Verdict = message.Rejected
	case publisher.IsRefused(r.Err) && ctx.Err() != nil:
		o.Cause, o.Code = message.Returned, "" // it was not sent
	default:
		o.Cause = message.Failed
		if errors.Is(r.Err, context.DeadlineExceeded) {
			o.Code = "timeout"
		}
	}
	return o
}
