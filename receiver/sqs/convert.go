package sqs

import (
	"strings"
	"time"

	"carrier/message"
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
	attributes []attribute
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
// is a part of the answer, so that a message in hand keeps no other one's memory.
func (r *Receiver) convert(h *handout, a admission) *message.Message {
	inHand := &struct { // a message and its receipt go together, and are gone together
		message.Message
		receipt
	}{
		message.Message{
			ID:           string(h.id),
			Body:         append(make([]byte, 0, len(h.body)), h.body...),
			Trace:        string(h.trace),
			Source:       r.queue.name,
			Group:        string(h.group),
			ReceiveCount: int(max(h.count, 1)),
			Received:     a.came,
			Lease:        r.queue.lease,
		},
		receipt{
			handle:     string(h.handle),
			until:      a.asked.Add(maxVisibility - capMargin),
			attributes: h.attributes,
		},
	}
	m := &inHand.Message
	m.Receipt = &inHand.receipt
	m.Attributes, m.ContentType = forWorker(h.attributes)
	m.Ordered = r.queue.fifo && m.Group != ""
	m.FirstReceived = moment(h.first, a.came)
	m.Sent = moment(h.sent, m.FirstReceived)
	m.Renew(a.came.Add(r.queue.lease))
	return m
}

// forWorker returns the String and Number attributes, of custom types too, and the
// content type. A binary one has no value that a header could carry.
func forWorker(own []attribute) (list []message.Attribute, contentType string) {
	for _, a := range own {
		base := a.base()
		if base == "String" && a.name == contentTypeAttribute {
			contentType = a.text
		}
		if base == "String" || base == "Number" {
			list = append(list, message.Attribute{Name: a.name, Value: a.text})
		}
	}
	return list, contentType
}

// base is an attribute's type without what producers may add to it, as in
// Number.float.
func (a attribute) base() string {
	name, _, _ := strings.Cut(a.kind, ".")
	return name
}

// moment reads one of SQS's times, which are milliseconds since the epoch.
func moment(ms int64, otherwise time.Time) time.Time {
	if ms <= 0 {
		return otherwise
	}
	return time.UnixMilli(ms)
}
