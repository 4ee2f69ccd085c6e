package sqs

import (
	"encoding/base64"
	"time"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

// A receipt is what SQS wants to hear of a message later on.
type receipt struct {
	handle string
	// until is the last moment to which the lease can be extended.
	until time.Time
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
			Body:         bodyOf(from),
			Trace:        string(from.Trace),
			Source:       r.queue.name,
			ARN:          r.queue.arn,
			Group:        string(from.Group),
			Ordered:      r.queue.fifo, // without a group too: nobody knows what may overtake it
			ReceiveCount: int(max(from.ReceiveCount, 1)),
			Received:     info.came,
			Repeats:      true,
			Lease:        r.queue.lease,
		},
		receipt{
			handle: string(from.ReceiptHandle),
			until:  info.asked.Add(maxVisibility - capMargin),
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

// MessageOf makes a message of what SQS handed out, for who looks through a queue: it has no lease and
// no receipt. Nothing in it is a part of the answer.
func MessageOf(from *api.ReceivedMessage) *message.Message {
	m := &message.Message{ID: string(from.ID), Body: bodyOf(from), Trace: string(from.Trace), Group: string(from.Group)}
	readAttributes(m, from.Attributes)
	return m
}

// bodyOf returns the body as its producer had it: what a publisher has stored in another form, and
// said so, is undone. A body that is not of the form that the attribute says is somebody else's.
func bodyOf(from *api.ReceivedMessage) []byte {
	for _, a := range from.Attributes {
		if a.Name != api.EncodingAttribute {
			continue
		}
		switch a.Text {
		case api.Empty:
			return []byte{}
		case api.Base64:
			if body, err := base64.StdEncoding.AppendDecode(nil, from.Body); err == nil {
				return body
			}
		}
	}
	return append(make([]byte, 0, len(from.Body)), from.Body...)
}

// isEncoding reports whether a is one that bodyOf has looked at.
func isEncoding(a api.Attribute) bool {
	return a.Name == api.EncodingAttribute && (a.Text == api.Base64 || a.Text == api.Empty)
}

// readAttributes gives m its String and Number attributes, of custom types too, the binary ones, its
// content type, and the id that it had before it was a dead letter. What says in which form the body
// was stored has no more to say.
func readAttributes(m *message.Message, own []api.Attribute) {
	for _, a := range own {
		switch base := a.BaseType(); {
		case a.Damaged, isEncoding(a):
		case base == "Binary":
			m.BinaryAttributes = append(m.BinaryAttributes, message.Attribute{Name: a.Name, Value: string(a.Binary), Type: a.Type})
		case base != "String" && base != "Number":
		case a.Name == receiver.OriginalIDAttribute:
			m.OriginalID = a.Text // has a header of its own
		default:
			if a.Name == api.ContentTypeAttribute && base == "String" {
				m.ContentType = a.Text
			}
			m.Attributes = append(m.Attributes, message.Attribute{Name: a.Name, Value: a.Text, Type: typeOf(a)})
		}
	}
}

// typeOf is the type of a, empty where it is plain text.
func typeOf(a api.Attribute) string {
	if a.Type == "String" {
		return ""
	}
	return a.Type
}

// moment reads one of SQS's times, which are milliseconds since the epoch.
func moment(ms int64, otherwise time.Time) time.Time {
	if ms <= 0 {
		return otherwise
	}
	return time.UnixMilli(ms)
}
