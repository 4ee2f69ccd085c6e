package service

import (
	"context"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// The service's limits on what is sent. maxSize is that of one message, its
// attributes included, and of all messages of a batch.
const (
	maxSize  = 1 << 20
	maxDelay = 900
)

func (s *Service) sendMessage(_ context.Context, _ *Call, in *shapes.SendMessageIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	out, err := q.send(&in.Outgoing)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) sendMessageBatch(_ context.Context, c *Call, in *shapes.SendMessageBatchIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	ids, total := make([]string, len(in.Entries)), 0
	for i := range in.Entries {
		ids[i] = in.Entries[i].ID
		total += in.Entries[i].Size()
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	if total > maxSize {
		return nil, shapes.Sender("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxSize, total)
	}
	return c.batch(ids, func(i int) (any, *shapes.Error) {
		out, err := q.send(&in.Entries[i].Outgoing)
		if err != nil {
			return nil, err
		}
		return shapes.SentEntry{ID: ids[i], Sent: *out}, nil
	}), nil
}

// send puts one message into the queue, or finds that it is a duplicate.
func (q *Queue) send(in *shapes.Outgoing) (*shapes.Sent, *shapes.Error) {
	if err := q.check(in); err != nil {
		return nil, err
	}
	out := &shapes.Sent{
		MD5OfMessageBody:             shapes.Digest(in.MessageBody),
		MD5OfMessageAttributes:       shapes.DigestAttributes(in.MessageAttributes),
		MD5OfMessageSystemAttributes: shapes.DigestAttributes(in.MessageSystemAttributes),
	}
	now := q.s.now()
	m := &stored{
		id: shapes.NewID(), body: in.MessageBody, attributes: in.MessageAttributes,
		trace: in.MessageSystemAttributes["AWSTraceHeader"].StringValue,
		group: in.MessageGroupID, sent: now, hiddenUntil: now.Add(q.delay(in)),
	}
	if !q.fifo() || q.admit(in, m) {
		q.add(m)
	}
	out.MessageID, out.SequenceNumber = m.id, m.sequence
	return out, nil
}

func (q *Queue) delay(in *shapes.Outgoing) time.Duration {
	if in.DelaySeconds != nil {
		return time.Duration(*in.DelaySeconds) * time.Second
	}
	return q.seconds("DelaySeconds")
}

// check returns what is wrong with in.
func (q *Queue) check(in *shapes.Outgoing) *shapes.Error {
	if in.MessageBody == "" {
		return shapes.MissingParameter("MessageBody")
	}
	if !shapes.Allowed(in.MessageBody) {
		return shapes.Plain("InvalidMessageContents", "Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	if most := q.number("MaximumMessageSize"); in.Size() > most {
		return shapes.InvalidParameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	if d := in.DelaySeconds; d != nil && (*d < 0 || *d > maxDelay) {
		return shapes.InvalidValue(*d, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	if err := shapes.CheckAttributes(in.MessageAttributes); err != nil {
		return err
	}
	for name := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" {
			return shapes.InvalidParameter("Message system attribute name %q is invalid.", name)
		}
	}
	return q.checkOrder(in)
}
