package pubsub

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/pubsub/api"
)

// A receipt is what Pub/Sub wants to hear of a message later on.
type receipt struct {
	ackID string
	// settled says that Pub/Sub has agreed to the message's end. It renews the lease of such a
	// message without a word.
	settled atomic.Bool
	// deadLetter is used by Settle alone.
	deadLetter receiver.DeadLetter
}

// convert makes a message of what Pub/Sub handed out.
func (r *Receiver) convert(raw *pubsubpb.ReceivedMessage) *message.Message {
	var (
		now    = time.Now()
		in     = raw.GetMessage()
		before = r.counts.note(in.GetMessageId(), now)
		given  = min(r.subscription.own, r.subscription.lease)
	)
	if before.acknowledged {
		r.options.Observer.Duplicate(duplicateAcknowledged)
	}
	m := &message.Message{
		ID:            in.GetMessageId(),
		Body:          in.GetData(),
		ContentType:   in.GetAttributes()[api.ContentTypeAttribute],
		Attributes:    attributes(in.GetAttributes()),
		Source:        r.subscription.path,
		Group:         in.GetOrderingKey(),
		Ordered:       r.orderOf(raw) != "",
		ReceiveCount:  before.count,
		OriginalID:    in.GetAttributes()[receiver.OriginalIDAttribute],
		FirstReceived: before.first,
		Sent:          now,
		Received:      now,
		Lease:         given,
		Receipt:       &receipt{ackID: raw.GetAckId()},
	}
	if n := int(raw.GetDeliveryAttempt()); n > 0 {
		m.ReceiveCount = n
		m.RedriveTo = r.subscription.redriveAfter(n)
	}
	if sent := in.GetPublishTime(); sent.IsValid() {
		m.Sent = sent.AsTime()
	}
	m.Renew(now.Add(given))
	return m
}

// attributes returns them by name, without the original id, which has a header of its own, and
// without the mark of a message that is empty.
func attributes(all map[string]string) []message.Attribute {
	list := make([]message.Attribute, 0, len(all))
	for name, value := range all {
		if name == receiver.OriginalIDAttribute || name == api.EncodingAttribute && value == api.Empty {
			continue
		}
		list = append(list, message.Attribute{Name: name, Value: value})
	}
	slices.SortFunc(list, func(a, b message.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return list
}
