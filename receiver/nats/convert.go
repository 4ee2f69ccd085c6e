package nats

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
		ID:            idOf(marks),
		Body:          m.Data,
		ContentType:   m.Header.Get(api.ContentTypeHeader),
		Attributes:    attributes(m.Header),
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

// idOf names a message by its place in the stream, and by when it was stored there: a stream that
// was deleted and made again counts from one again.
func idOf(marks *nats.MsgMetadata) string {
	return fmt.Sprintf("%s:%d:%d", marks.Stream, marks.Sequence.Stream, marks.Timestamp.UnixMilli())
}

// inStream orders two ids of one stream by their place in it.
func inStream(a, b string) int { return cmp.Compare(placeOf(a), placeOf(b)) }

// placeOf is the sequence number in an id, zero where there is none. A stream's name has no colon.
func placeOf(id string) uint64 {
	_, rest, _ := strings.Cut(id, ":")
	sequence, _, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(sequence, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// attributes returns the headers by name, several of one name with a comma between them, without
// those of NATS itself, and without those that have fields of their own.
func attributes(headers nats.Header) []message.Attribute {
	list := make([]message.Attribute, 0, len(headers))
	for name, values := range headers {
		switch {
		case api.IsReserved(name), name == receiver.OriginalIDAttribute, name == api.GroupHeader:
			continue
		}
		list = append(list, message.Attribute{Name: name, Value: strings.Join(values, ", ")})
	}
	slices.SortFunc(list, func(a, b message.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return list
}
