// Package lambdaevent is what a Lambda function gets of an SQS queue, and what it answers (Lambda
// Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source").
package lambdaevent

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"carrier/message"
)

// Limit is the most bytes of an event: Lambda's own limit for one invocation.
const Limit = 6 << 20

// MaxRecords is the most records of an event whose answer, with all of them failed, is still read whole.
const MaxRecords = 1000

// An Event grows by one record for each message. The zero Event has none.
type Event struct{ body []byte }

const (
	begin = `{"Records":[`
	end   = `]}`
)

// Add appends the record of m with this body and these attributes, unless the event would become
// larger than Limit, and reports whether it did. The first record always is appended.
func (e *Event) Add(m *message.Message, body []byte, attributes []message.Attribute) bool {
	r := record(m, body, attributes)
	switch {
	case len(e.body) == 0:
		e.body = append(e.body, begin...)
	case len(e.body)+1+len(r)+len(end) > Limit:
		return false
	default:
		e.body = append(e.body, ',')
	}
	e.body = append(e.body, r...)
	return true
}

// JSON is the event as it is sent. Nothing is added after it.
func (e *Event) JSON() []byte { return append(e.body, end...) }

// An attribute is one message attribute of a record.
type attribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// record returns the record of one message. A body that is no text goes as base64, with the attribute
// Body.Encoding.
func record(m *message.Message, body []byte, attributes []message.Attribute) []byte {
	text := string(body)
	given := map[string]attribute{}
	add := func(name string, a attribute) {
		a.StringListValues, a.BinaryListValues = []string{}, []string{}
		given[name] = a
	}
	for _, a := range m.BinaryAttributes {
		add(a.Name, attribute{BinaryValue: []byte(a.Value), DataType: cmp.Or(a.Type, "Binary")})
	}
	for _, a := range attributes {
		add(a.Name, attribute{StringValue: &a.Value, DataType: cmp.Or(a.Type, "String")})
	}
	if !utf8.Valid(body) {
		text = base64.StdEncoding.EncodeToString(body)
		encoding := "base64"
		add("Body.Encoding", attribute{StringValue: &encoding, DataType: "String"})
	}
	arn := cmp.Or(m.ARN, "arn:aws:sqs:::"+m.Source)
	digest := md5.Sum([]byte(text))
	r, _ := json.Marshal(struct { // always can be
		MessageID         string               `json:"messageId"`
		ReceiptHandle     string               `json:"receiptHandle"`
		Body              string               `json:"body"`
		Attributes        map[string]string    `json:"attributes"`
		MessageAttributes map[string]attribute `json:"messageAttributes"`
		MD5OfBody         string               `json:"md5OfBody"`
		EventSource       string               `json:"eventSource"`
		EventSourceARN    string               `json:"eventSourceARN"`
		AWSRegion         string               `json:"awsRegion"`
	}{
		m.ID, m.ID, text, system(m), given, hex.EncodeToString(digest[:]), "aws:sqs", arn, regionOf(arn),
	})
	return r
}

// regionOf reads the region off arn:aws:sqs:REGION:ACCOUNT:NAME.
func regionOf(arn string) string {
	_, region, _ := strings.Cut(arn, ":sqs:")
	region, _, _ = strings.Cut(region, ":")
	return region
}

// system returns the attributes that SQS itself gives a message.
func system(m *message.Message) map[string]string {
	attributes := map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.ReceiveCount), "SenderId": "carrier"}
	for name, at := range map[string]time.Time{"SentTimestamp": m.Sent, "ApproximateFirstReceiveTimestamp": m.FirstReceived} {
		if !at.IsZero() {
			attributes[name] = strconv.FormatInt(at.UnixMilli(), 10)
		}
	}
	for name, value := range map[string]string{"MessageGroupId": m.Group, "AWSTraceHeader": m.Trace} {
		if value != "" {
			attributes[name] = value
		}
	}
	return attributes
}
