package sqs

import (
	"time"

	"carrier/message"
	"carrier/receiver/sqs/api"
)

// contentTypeAttribute is the attribute in which producers say what the body is.
const contentTypeAttribute = "Body.ContentType"

// A receipt is what SQS wants to hear of a message later on.
type receipt struct {
	handle string
	// until is the last moment to which the lease can be stretched.
	until time.Time
	// attributes are the message's own as SQS gave them, binary ones too, for its
	// copy in the dead-letter queue.
	attributes []api.Attribute
	// copied says that this copy has been sent. Settle is called for one message
	// after another's return only, so nothing guards it.
	copied bool
}

// receiptOf returns m's receipt. A message of another receiver has none, and
// nothing can be done for it: its zero handle is refused by SQS.
func receiptOf(m *message.Message) *receipt {
	if rc, ok := m.Receipt.(*receipt); ok {
		return rc
	}
	return &receipt{}
}

// convert makes a message of what SQS handed out. SQS counts its twelve hours, and the
// lease, from a moment between the call and the beginning of its answer. Nothing in it
// is a part of the answer, so that a message in flight keeps no other one's memory.
func (r *Receiver) convert(from *api.ReceivedMessage, info receiveInfo) *message.Message {
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
			ReceiveCount: int(max(from.ReceiveCount, 1)),
			Received:     info.came,
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
	m.Attributes, m.ContentType = forWorker(from.Attributes)
	m.Ordered = r.queue.fifo && m.Group != ""
	m.FirstReceived = moment(from.FirstReceived, info.came)
	m.Sent = moment(from.Sent, m.FirstReceived)
	m.Renew(info.came.Add(r.queue.lease))
	return m
}

// forWorker returns the String and Number attributes, of custom types too, and the
// content type. A binary one has no value that a header could carry.
func forWorker(own []api.Attribute) (list []message.Attribute, contentType string) {
	for _, a := range own {
		base := a.BaseType()
		if base == "String" && a.Name == contentTypeAttribute {
			contentType = a.Text
		}
		if base == "String" || base == "Number" {
			list = append(list, message.Attribute{Name: a.Name, Value: a.Text})
		}
	}
	return list, contentType
}

// moment reads one of SQS's times, which are milliseconds since the epoch.
func moment(ms int64, otherwise time.Time) time.Time {
	if ms <= 0 {
		return otherwise
	}
	return time.UnixMilli(ms)
}
