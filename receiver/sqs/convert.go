package sqs

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

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
	attributes map[string]types.MessageAttributeValue
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

// convert makes a message of what SQS handed out, in answer to a call made at
// asked. SQS counts its twelve hours from a moment between that and now.
func (r *Receiver) convert(raw types.Message, asked time.Time) *message.Message {
	now := time.Now()
	m := &message.Message{
		ID:           aws.ToString(raw.MessageId),
		Body:         []byte(aws.ToString(raw.Body)),
		ContentType:  contentType(raw),
		Attributes:   attributes(raw),
		Trace:        system(raw, types.MessageSystemAttributeNameAWSTraceHeader),
		Source:       r.queue.name,
		Group:        groupOf(raw),
		ReceiveCount: receiveCount(raw),
		Received:     now,
		Lease:        r.queue.lease,
		Receipt: &receipt{
			handle:     aws.ToString(raw.ReceiptHandle),
			until:      asked.Add(maxVisibility - capMargin),
			attributes: raw.MessageAttributes,
		},
	}
	m.Ordered = r.queue.fifo && m.Group != ""
	m.FirstReceived = moment(raw, types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp, now)
	m.Sent = moment(raw, types.MessageSystemAttributeNameSentTimestamp, m.FirstReceived)
	m.Renew(now.Add(r.queue.lease))
	return m
}

// attributes returns the String and Number attributes, of custom types too, by
// name. A binary one has no value that a header could carry.
func attributes(raw types.Message) []message.Attribute {
	var list []message.Attribute
	for name, value := range raw.MessageAttributes {
		switch kind(value) {
		case "String", "Number":
			list = append(list, message.Attribute{Name: name, Value: aws.ToString(value.StringValue)})
		}
	}
	slices.SortFunc(list, func(a, b message.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func contentType(raw types.Message) string {
	value := raw.MessageAttributes[contentTypeAttribute]
	if kind(value) != "String" {
		return ""
	}
	return aws.ToString(value.StringValue)
}

// kind is an attribute's type without what producers may add to it, as in
// Number.float.
func kind(value types.MessageAttributeValue) string {
	name, _, _ := strings.Cut(aws.ToString(value.DataType), ".")
	return name
}

func groupOf(raw types.Message) string {
	return system(raw, types.MessageSystemAttributeNameMessageGroupId)
}

func receiveCount(raw types.Message) int {
	n, _ := strconv.Atoi(system(raw, types.MessageSystemAttributeNameApproximateReceiveCount))
	return max(n, 1)
}

// moment reads one of SQS's times, which are milliseconds since the epoch.
func moment(raw types.Message, name types.MessageSystemAttributeName, otherwise time.Time) time.Time {
	ms, err := strconv.ParseInt(system(raw, name), 10, 64)
	if err != nil || ms <= 0 {
		return otherwise
	}
	return time.UnixMilli(ms)
}

func system(raw types.Message, name types.MessageSystemAttributeName) string {
	return raw.Attributes[string(name)]
}
