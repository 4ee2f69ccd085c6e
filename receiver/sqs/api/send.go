package api

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"carrier/internal/http1"
	"carrier/receiver"
	"carrier/receiver/sqs/environment"
)

var errDamagedCopy = errors.New("the queue has stored another body than the one that was sent: the checksums differ")

// An OutgoingMessage is a message to be sent.
type OutgoingMessage struct {
	Body       []byte
	Attributes []Attribute
	Trace      string // AWSTraceHeader; may be empty
	// Group and Deduplication are empty where there are none.
	Group, Deduplication string
	// Delay is in seconds; 0 is the queue's own.
	Delay int32
}

// Size is how many bytes SQS counts for the message.
func (m OutgoingMessage) Size() int {
	n := len(m.Body)
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Text) + len(a.Binary)
	}
	return n
}

// attributeValue is an attribute in a request. encoding/json writes bytes as base64.
type attributeValue struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// sendEntry is one message in a request.
type sendEntry struct {
	DelaySeconds            int32                     `json:",omitempty"`
	Id                      string                    //nolint:revive // SQS's name
	MessageAttributes       map[string]attributeValue `json:",omitempty"`
	MessageBody             string
	MessageDeduplicationId  string                    `json:",omitempty"` //nolint:revive // SQS's name
	MessageGroupId          string                    `json:",omitempty"` //nolint:revive // SQS's name
	MessageSystemAttributes map[string]attributeValue `json:",omitempty"`
}

func entryOf(i int, m OutgoingMessage) sendEntry {
	e := sendEntry{
		DelaySeconds: m.Delay, Id: strconv.Itoa(i), MessageAttributes: valuesOf(m.Attributes), MessageBody: string(m.Body),
		MessageDeduplicationId: m.Deduplication, MessageGroupId: m.Group,
	}
	if m.Trace != "" {
		e.MessageSystemAttributes = map[string]attributeValue{"AWSTraceHeader": {DataType: "String", StringValue: &m.Trace}}
	}
	return e
}

func valuesOf(attributes []Attribute) map[string]attributeValue {
	values := make(map[string]attributeValue, len(attributes))
	for _, a := range attributes {
		value := attributeValue{DataType: a.Type}
		if a.BaseType() == "Binary" {
			value.BinaryValue = a.Binary
		} else {
			value.StringValue = &a.Text
		}
		values[a.Name] = value
	}
	return values
}

// A Sent is what became of one message: the id that SQS gave it, or an error, which may be
// IsRefusal's.
type Sent struct {
	ID  string
	Err error
}

// SendBatch puts up to MaxBatch messages into a queue in one call, and returns one Sent for each.
func (c *Client) SendBatch(ctx context.Context, queueURL string, batch []OutgoingMessage) []Sent {
	in := struct {
		Entries  []sendEntry
		QueueUrl string //nolint:revive // SQS's name
	}{make([]sendEntry, len(batch)), queueURL}
	for i, m := range batch {
		in.Entries[i] = entryOf(i, m)
	}
	var out struct {
		Successful []struct{ Id, MessageId, MD5OfMessageBody string } //nolint:revive // SQS's names
		Failed     []struct {
			Id, Code, Message string //nolint:revive // SQS's names
			SenderFault       bool
		}
	}
	sent := make([]Sent, len(batch))
	if err := c.CallJSON(ctx, OpSend, "SendMessageBatch", in, &out); err != nil {
		for i := range sent {
			sent[i].Err = err
		}
		return sent
	}
	results := make([]entryResult, 0, len(batch))
	for _, f := range out.Failed {
		results = append(results, entryResult{index: indexOf(f.Id), failed: true, code: f.Code, message: f.Message, senderFault: f.SenderFault})
	}
	for _, s := range out.Successful {
		results = append(results, entryResult{index: indexOf(s.Id)})
	}
	for i, err := range c.sortResults(OpSend, len(batch), results) {
		sent[i].Err = err
	}
	for _, s := range out.Successful {
		i := indexOf(s.Id)
		if i < 0 || i >= len(sent) || sent[i].Err != nil {
			continue
		}
		sent[i].ID = s.MessageId
		if !ChecksumMatches(batch[i].Body, []byte(s.MD5OfMessageBody)) {
			sent[i] = Sent{Err: sortError(OpSend, &exchangeError{errDamagedCopy})}
		}
	}
	return sent
}

// indexOf reads the id of an entry; -1 where it is none of ours.
func indexOf(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil {
		return -1
	}
	return n
}

// IsRefusal reports whether err, of a call that was to change something, says that nothing was
// done. That is so for an entry that failed, for a call that the service throttles or does not
// allow, and for one that never left. Of one that was cut, timed out, or answered by the service
// with a failure of its own or by a proxy, nobody knows.
func IsRefusal(err error) bool {
	var (
		credentials *environment.CredentialsError
		api         *apiError
		entry       *EntryError
		unsent      *http1.UnsentError
	)
	switch {
	case errors.As(err, &entry), errors.As(err, &credentials), errors.As(err, &unsent):
		return true
	case errors.As(err, &api):
		return api.class() != receiver.Network && api.class() != receiver.Other
	}
	return false
}

// IsTooLarge reports whether err says that a message, or a batch of them, is larger than the service
// takes.
func IsTooLarge(err error) bool {
	code, message := saidOf(err)
	return code == "BatchRequestTooLong" || strings.Contains(strings.ToLower(message), "must be shorter than")
}

// IsNoText reports whether err says that a body is not the text that the service takes.
func IsNoText(err error) bool {
	code, _ := saidOf(err)
	return code == "InvalidMessageContents"
}

// saidOf returns what the service says of a call or of an entry.
func saidOf(err error) (code, message string) {
	var (
		api   *apiError
		entry *EntryError
	)
	switch {
	case errors.As(err, &entry):
		return plainCode(entry.Code), entry.Message
	case errors.As(err, &api):
		return api.code, api.message
	}
	return "", ""
}

// What a message's attributes say of its body.
const (
	// ContentTypeAttribute is the attribute in which producers say what the body is.
	ContentTypeAttribute = "Body.ContentType"
	// EncodingAttribute says how carrier has stored a body that SQS does not take as it is: with the
	// value Base64 in base64, with the value Empty, for an empty body, as a blank.
	EncodingAttribute = "Body.Encoding"
	Base64            = "base64"
	Empty             = "empty"
)
