package api

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"carrier/receiver/sqs/jsonscan"
)

// A ReceivedMessage is a message as SQS hands it out. Its fields are parts of the answer and gone
// with it, but for the attributes; nil where the answer has none.
type ReceivedMessage struct {
	ID, ReceiptHandle, Body []byte
	MD5                     []byte // of the body, in hexadecimal
	Group, Trace            []byte
	DeadLetterSource        []byte // the ARN of the queue whose redrive policy moved it here
	ReceiveCount            int64  // 0 where the answer has none
	FirstReceived, Sent     int64  // in milliseconds since the epoch; 0 where the answer has none
	Attributes              []Attribute
}

// An Attribute is one that a producer gave with a message.
type Attribute struct {
	Name, Type string // as in Binary.png
	Text       string
	Binary     []byte // in place of Text, for the binary types
	Damaged    bool   // the answer's value of a binary type is not base64; Binary is nil
}

// BaseType is the type without what producers may add to it, as in Number.float.
func (a Attribute) BaseType() string {
	name, _, _ := strings.Cut(a.Type, ".")
	return name
}

// Receive asks for messages and hands them to use, which must not keep any part of them, with the
// time at which the answer began to come. onHead is called before, once that is so: from then on
// the messages are under their lease, and ctx should not cut the call. use is not called where
// there is no answer.
func (c *Client) Receive(ctx context.Context, r Request, onHead func(), use func(messages []ReceivedMessage, came time.Time)) error {
	a := action{name: "ReceiveMessage", request: r, onHead: onHead, read: func(a answer) error {
		messages, err := readMessages(a.body)
		if err == nil {
			use(messages, a.came)
		}
		return err
	}}
	return c.do(ctx, OpReceive, func(ctx context.Context) error { return c.call(ctx, a) })
}

// readMessages reads the answer to a receive.
func readMessages(answer []byte) ([]ReceivedMessage, error) {
	d, err := jsonscan.NewDecoder(answer)
	if err != nil {
		return nil, err
	}
	var list []ReceivedMessage
	for d.Begin('{'); d.More('}'); {
		if string(d.Key()) != "Messages" {
			d.Skip()
			continue
		}
		list = make([]ReceivedMessage, 0, MaxBatch)
		for d.Begin('['); d.More(']'); {
			list = append(list, readMessage(d))
		}
	}
	return list, d.Err()
}

// readMessage reads one message.
func readMessage(d *jsonscan.Decoder) ReceivedMessage {
	var m ReceivedMessage
	for d.Begin('{'); d.More('}'); {
		switch string(d.Key()) {
		case "MessageId":
			m.ID = d.Text()
		case "ReceiptHandle":
			m.ReceiptHandle = d.Text()
		case "Body":
			m.Body = d.Text()
		case "MD5OfBody":
			m.MD5 = d.Text()
		case "Attributes":
			readSystem(d, &m)
		case "MessageAttributes":
			m.Attributes = readAttributes(d)
		default:
			d.Skip()
		}
	}
	return m
}

// readSystem reads what SQS itself says of a message.
func readSystem(d *jsonscan.Decoder, m *ReceivedMessage) {
	for d.Begin('{'); d.More('}'); {
		switch string(d.Key()) {
		case "MessageGroupId":
			m.Group = d.Text()
		case "AWSTraceHeader":
			m.Trace = d.Text()
		case "DeadLetterQueueSourceArn":
			m.DeadLetterSource = d.Text()
		case "ApproximateReceiveCount":
			m.ReceiveCount = d.Number()
		case "ApproximateFirstReceiveTimestamp":
			m.FirstReceived = d.Number()
		case "SentTimestamp":
			m.Sent = d.Number()
		default:
			d.Skip()
		}
	}
}

// readAttributes reads a producer's attributes, and puts them in the order of their names.
func readAttributes(d *jsonscan.Decoder) []Attribute {
	var list []Attribute
	for d.Begin('{'); d.More('}'); {
		a := Attribute{Name: string(d.Key())}
		for d.Begin('{'); d.More('}'); {
			switch string(d.Key()) {
			case "DataType":
				a.Type = string(d.Text())
			case "StringValue":
				a.Text = string(d.Text())
			case "BinaryValue":
				a.Binary, a.Damaged = decodeBinary(d.Text())
			default:
				d.Skip()
			}
		}
		list = append(list, a)
	}
	sortAttributes(list)
	return list
}

// decodeBinary decodes base64, with its padding or without. A part of a value is worse than none.
func decodeBinary(text []byte) (value []byte, damaged bool) {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		if value, err := encoding.AppendDecode(nil, text); err == nil {
			return value, false
		}
	}
	return nil, true
}

func sortAttributes(list []Attribute) {
	slices.SortFunc(list, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
}

// An entryResult is what the answer to a batch says of one entry.
type entryResult struct {
	index         int // its id; -1 where that is not a number
	failed        bool
	code, message string // of one that failed
	senderFault   bool
}

// readResults reads the answer to a batch.
func readResults(answer []byte) ([]entryResult, error) {
	d, err := jsonscan.NewDecoder(answer)
	if err != nil {
		return nil, err
	}
	list := make([]entryResult, 0, MaxBatch)
	for d.Begin('{'); d.More('}'); {
		switch string(d.Key()) {
		case "Successful":
			list = appendResults(d, list, false)
		case "Failed":
			list = appendResults(d, list, true)
		default:
			d.Skip()
		}
	}
	return list, d.Err()
}

func appendResults(d *jsonscan.Decoder, list []entryResult, failed bool) []entryResult {
	for d.Begin('['); d.More(']'); {
		r := entryResult{failed: failed, index: -1}
		for d.Begin('{'); d.More('}'); {
			switch string(d.Key()) {
			case "Id":
				if id, ok := d.Integer(); ok {
					r.index = int(id)
				}
			case "Code":
				r.code = string(d.Text())
			case "Message":
				r.message = string(d.Text())
			case "SenderFault":
				r.senderFault = d.Truth()
			default:
				d.Skip()
			}
		}
		list = append(list, r)
	}
	return list
}
