package sqs

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// A handout is a message as SQS hands it out. Its fields are parts of the answer and
// gone with it; nil where the answer has none.
type handout struct {
	id, handle, body, sum []byte
	group, trace          []byte
	count, first, sent    int64 // the times in milliseconds since the epoch
	attributes            []attribute
}

// An attribute is one that a producer gave with a message.
type attribute struct {
	name, kind string // as in Binary.png
	text       string
	binary     []byte // in place of text, for the binary kinds
}

// readMessages reads the answer to a receive.
func readMessages(answer []byte) ([]handout, error) {
	d, err := decode(answer)
	if err != nil {
		return nil, err
	}
	var list []handout
	for d.open('{'); d.more('}'); {
		if string(d.key()) != "Messages" {
			d.skip()
			continue
		}
		list = make([]handout, 0, maxBatch)
		for d.open('['); d.more(']'); {
			list = append(list, d.handout())
		}
	}
	return list, d.err
}

// decode returns a decoder of an answer, which is an object or nothing.
func decode(answer []byte) (*decoder, error) {
	d := &decoder{data: answer}
	if c := d.peek(); c == 0 && d.at == len(answer) {
		d.data, d.at = []byte("{}"), 0
	} else if c != '{' {
		return nil, errNotJSON
	}
	return d, nil
}

func (d *decoder) handout() handout {
	var h handout
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "MessageId":
			h.id = d.text()
		case "ReceiptHandle":
			h.handle = d.text()
		case "Body":
			h.body = d.text()
		case "MD5OfBody":
			h.sum = d.text()
		case "Attributes":
			d.system(&h)
		case "MessageAttributes":
			h.attributes = d.attributes()
		default:
			d.skip()
		}
	}
	return h
}

// system reads what SQS itself says of a message.
func (d *decoder) system(h *handout) {
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "MessageGroupId":
			h.group = d.text()
		case "AWSTraceHeader":
			h.trace = d.text()
		case "ApproximateReceiveCount":
			h.count = number(d.text())
		case "ApproximateFirstReceiveTimestamp":
			h.first = number(d.text())
		case "SentTimestamp":
			h.sent = number(d.text())
		default:
			d.skip()
		}
	}
}

// number reads one of SQS's numbers, which are strings; 0 where it is none.
func number(text []byte) int64 {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// attributes reads a producer's attributes, and puts them in the order of their names.
func (d *decoder) attributes() []attribute {
	var list []attribute
	for d.open('{'); d.more('}'); {
		a := attribute{name: string(d.key())}
		for d.open('{'); d.more('}'); {
			switch string(d.key()) {
			case "DataType":
				a.kind = string(d.text())
			case "StringValue":
				a.text = string(d.text())
			case "BinaryValue":
				a.binary, _ = base64.StdEncoding.AppendDecode(nil, d.text())
			default:
				d.skip()
			}
		}
		list = append(list, a)
	}
	sortAttributes(list)
	return list
}

func sortAttributes(list []attribute) {
	slices.SortFunc(list, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
}

// An entryResult is what the answer to a batch says of one entry.
type entryResult struct {
	index         int // its id; -1 where that is no number
	failed        bool
	code, message string // of one that failed
	senderFault   bool
}

// readResults reads the answer to a batch.
func readResults(answer []byte) ([]entryResult, error) {
	d, err := decode(answer)
	if err != nil {
		return nil, err
	}
	list := make([]entryResult, 0, maxBatch)
	for d.open('{'); d.more('}'); {
		switch string(d.key()) {
		case "Successful":
			list = d.results(list, false)
		case "Failed":
			list = d.results(list, true)
		default:
			d.skip()
		}
	}
	return list, d.err
}

func (d *decoder) results(list []entryResult, failed bool) []entryResult {
	for d.open('['); d.more(']'); {
		r := entryResult{failed: failed, index: -1}
		for d.open('{'); d.more('}'); {
			switch string(d.key()) {
			case "Id":
				if id, err := strconv.Atoi(string(d.text())); err == nil {
					r.index = id
				}
			case "Code":
				r.code = string(d.text())
			case "Message":
				r.message = string(d.text())
			case "SenderFault":
				r.senderFault = d.truth()
			default:
				d.skip()
			}
		}
		list = append(list, r)
	}
	return list
}
