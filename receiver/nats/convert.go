package nats

import (
	"cmp"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/nats/api"
)

// A receipt is what JetStream wants to hear of a message later on.
type receipt struct {
	msg *nats.Msg
	// settled says that JetStream has agreed to the message's end. It renews the lease of such a
	// message without a word.
	settled atomic.Bool
	// deadLetter is used by Settle alone.
	deadLetter receiver.DeadLetter
}

// convert makes a message of what JetStream handed out.
func (r *Receiver) convert(m *nats.Msg, now time.Time) (*message.Message, error) {
	marks, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	n := int(marks.NumDelivered) //nolint:gosec // no message is delivered so often
	group := m.Header.Get(api.GroupHeader)
	in := &message.Message{
		ID:            api.ID(marks.Stream, marks.Sequence.Stream, marks.Timestamp),
		Body:          m.Data,
		ContentType:   m.Header.Get(api.ContentTypeHeader),
		Attributes:    api.Attributes(m.Header),
		Source:        marks.Stream + "/" + marks.Consumer,
		Group:         group,
		Ordered:       r.consumer.ordered && group != "",
		ReceiveCount:  max(n, 1),
		OriginalID:    m.Header.Get(receiver.OriginalIDAttribute),
		FirstReceived: now, // JetStream does not keep it
		Sent:          marks.Timestamp,
		Received:      now,
		Lease:         r.consumer.leaseOf(n),
		Receipt:       &receipt{msg: m},
	}
	if r.consumer.isLast(n) {
		in.RedriveTo = r.options.DeadLetterSubject
	}
	in.Renew(now.Add(in.Lease))
	return in, nil
}

// inStream orders two ids of one stream by their place in it.
func inStream(a, b string) int {
	_, placeOfA := api.Place(a)
	_, placeOfB := api.Place(b)
	return cmp.Compare(placeOfA, placeOfB)
}
