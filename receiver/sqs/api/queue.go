package api

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that SQS gives with a body
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
)

var errDamagedCopy = errors.New("the queue has stored another body than the one that was sent: the checksums differ")

// QueueURL asks for the URL of the queue called name; owner is the account that has it, empty for
// the caller's own.
func (c *Client) QueueURL(ctx context.Context, name, owner string) (string, error) {
	in := struct {
		QueueName              string
		QueueOwnerAWSAccountId string `json:",omitempty"` //nolint:revive // SQS's name
	}{name, owner}
	var out struct {
		QueueUrl string //nolint:revive // SQS's name
	}
	err := c.callJSON(ctx, OpGetURL, "GetQueueUrl", in, &out)
	return out.QueueUrl, err
}

// QueueAttributes asks for all attributes of a queue.
func (c *Client) QueueAttributes(ctx context.Context, queueURL string) (map[string]string, error) {
	in := struct {
		// All, since asking a standard queue for FifoQueue by name is an error on some servers.
		AttributeNames []string
		QueueUrl       string //nolint:revive // SQS's name
	}{[]string{"All"}, queueURL}
	var out struct{ Attributes map[string]looseText }
	if err := c.callJSON(ctx, OpGetAttributes, "GetQueueAttributes", in, &out); err != nil {
		return nil, err
	}
	attributes := make(map[string]string, len(out.Attributes))
	for name, value := range out.Attributes {
		attributes[name] = string(value)
	}
	return attributes, nil
}

// A looseText is a text, or the JSON of a value that should have been one: some servers give
// numbers, and policies, as they are.
type looseText string

// UnmarshalJSON takes any JSON.
func (t *looseText) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) != nil {
		s = string(data)
	}
	*t = looseText(s)
	return nil
}

// An OutgoingMessage is a message to be sent.
type OutgoingMessage struct {
	Body       []byte
	Attributes []Attribute
	Trace      string // AWSTraceHeader; may be empty
	// Group and Deduplication are for FIFO queues; empty for others.
	Group, Deduplication string
}

// attributeValue is an attribute in a request. encoding/json writes bytes as base64.
type attributeValue struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// Send puts a message into a queue.
func (c *Client) Send(ctx context.Context, queueURL string, m OutgoingMessage) error {
	in := struct {
		MessageAttributes       map[string]attributeValue `json:",omitempty"`
		MessageBody             string
		MessageDeduplicationId  string                    `json:",omitempty"` //nolint:revive // SQS's name
		MessageGroupId          string                    `json:",omitempty"` //nolint:revive // SQS's name
		MessageSystemAttributes map[string]attributeValue `json:",omitempty"`
		QueueUrl                string                    //nolint:revive // SQS's name
	}{valuesOf(m.Attributes), string(m.Body), m.Deduplication, m.Group, nil, queueURL}
	if m.Trace != "" {
		in.MessageSystemAttributes = map[string]attributeValue{"AWSTraceHeader": {DataType: "String", StringValue: &m.Trace}}
	}
	return c.callJSON(ctx, OpSend, "SendMessage", in, &sent{body: m.Body})
}

// sent is the answer to a Send.
type sent struct{ body []byte }

// UnmarshalJSON compares the checksum of the answer with that of the body.
func (s *sent) UnmarshalJSON(data []byte) error {
	var out struct{ MD5OfMessageBody string }
	if err := json.Unmarshal(data, &out); err != nil {
		return err
	}
	if !ChecksumMatches(s.body, []byte(out.MD5OfMessageBody)) {
		return errDamagedCopy
	}
	return nil
}

// ChecksumMatches reports whether sum is the MD5 of body in hexadecimal, of either case. An empty
// sum says nothing and matches.
func ChecksumMatches(body, sum []byte) bool {
	if len(sum) == 0 {
		return true
	}
	var hexadecimal [2 * md5.Size]byte
	own := md5.Sum(body) //nolint:gosec // not for secrecy
	hex.Encode(hexadecimal[:], own[:])
	return string(hexadecimal[:]) == string(sum) || strings.EqualFold(string(hexadecimal[:]), string(sum))
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

// callJSON makes a call that is made seldom, where encoding/json does no harm.
func (c *Client) callJSON(ctx context.Context, operation, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return sortError(operation, err)
	}
	a := action{name: name, request: newRequest(body), read: func(a answer) error {
		if len(a.body) == 0 {
			return nil
		}
		return json.Unmarshal(a.body, out)
	}}
	return c.do(ctx, operation, func(ctx context.Context) error { return c.call(ctx, a) })
}
