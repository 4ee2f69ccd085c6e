package sqs

import (
	"time"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

// contentTypeAttribute is the attribute in which producers say what the body is.
const contentTypeAttribute = "Body.ContentType"

// A receipt is what SQS wants to hear of a message later on.
type receipt struct {
	handle string
	// until is the last moment to which the lease can be extended.
	until time.Time
	// attributes are the message's own as SQS gave them, binary ones too, for its dead letter.
	attributes []api.Attribute
	// deadLetter is used by Settle alone.
	deadLetter receiver.DeadLetter
}

// convert makes a message of what SQS handed out. SQS counts its twelve hours, and the lease, from
// a moment between the call and the beginning of its answer. Nothing in it is a part of the answer,
// so that a message in flight keeps no other one's memory.
func (r *Receiver) convert(from *api.ReceivedMessage, info receiveInfo) *message.Message {
	r.warnUnusual(from)
	received := &struct { // a message and its receipt go together, and are gone together
		message.Message
		receipt
	}{
		message.Message{
			ID:           string(from.ID),
			Body:         append(make([]byte, 0, len(from.Body)), from.Body...),
			Trace:        string(from.Trace),
			Source:       r.queue.name,
			Group:        string(from.Group),
			Ordered:      r.queue.fifo, // without a group too: nobody knows what may overtake it
			ReceiveCount: int(max(from.ReceiveCount, 1)),
			Received:     info.came,
			Repeats:      true,
			Lease:        r.queue.lease,
		},
		receipt{
			handle:     string(from.ReceiptHandle),
			until:      info.asked.Add(maxVisibility - capMargin),
			attributes: from.Attributes,
		},
	}
	m := &received.Message
	m.Receipt = &received.receipt
	m.RedriveTo = r.queue.redriveAfter(m.ReceiveCount)
	readAttributes(m, from.Attributes)
	m.FirstReceived = moment(from.FirstReceived, info.came)
	m.Sent = moment(from.Sent, m.FirstReceived)
	m.Renew(info.came.Add(r.queue.lease))
	return m
}

// readAttributes gives m its String and Number attributes, of custom types too, its content type,
// and the id that it had before it was a dead letter. A binary one has no value that a header could
// carry.
func readAttributes(m *message.Message, own []api.Attribute) {
	for _, a := range own {
		base := a.BaseType()
		if base != "String" && base != "Number" {
			continue
		}
		switch {
		case a.Name == receiver.OriginalIDAttribute:
			m.OriginalID = a.Text // has a header of its own
			continue
		case a.Name == contentTypeAttribute && base == "String":
			m.ContentType = a.Text
		}
		m.Attributes = append(m.Attributes, message.Attribute{Name: a.Name, Value: a.Text})
	}
}

// moment reads one of SQS's times, which are milliseconds since the epoch.
func moment(ms int64, otherwise time.Time) time.Time {
	if ms <= 0 {
		return otherwise
	}
	return time.UnixMilli(ms)
}
