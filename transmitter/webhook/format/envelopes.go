package format

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"mime"
	"strconv"
	"time"
	"unicode/utf8"

	"carrier/message"
)

// push returns the body of a push request (Pub/Sub, "Receive push requests": a wrapped message).
func push(m *message.Message, body []byte, attributes []message.Attribute) []byte {
	type pushed struct {
		Attributes   map[string]string `json:"attributes,omitempty"`
		Data         []byte            `json:"data"`
		MessageID    string            `json:"messageId"`
		MessageID2   string            `json:"message_id"`
		OrderingKey  string            `json:"orderingKey,omitempty"`
		PublishTime  string            `json:"publishTime,omitempty"`
		PublishTime2 string            `json:"publish_time,omitempty"`
	}
	p := pushed{Data: body, MessageID: m.ID, MessageID2: m.ID, OrderingKey: m.Group, Attributes: map[string]string{}}
	if body == nil {
		p.Data = []byte{}
	}
	for _, a := range attributes {
		p.Attributes[a.Name] = a.Value
	}
	if !m.Sent.IsZero() {
		p.PublishTime = m.Sent.UTC().Format(time.RFC3339Nano)
		p.PublishTime2 = p.PublishTime
	}
	return encode(struct {
		DeliveryAttempt int    `json:"deliveryAttempt"`
		Message         pushed `json:"message"`
		Subscription    string `json:"subscription"`
	}{m.ReceiveCount, p, m.Source})
}

// A sqsAttribute is one message attribute of a record.
type sqsAttribute struct {
	StringValue      string   `json:"stringValue"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// sqsEvent returns the event that a function gets of SQS (Lambda, "Using Lambda with Amazon SQS"), with one
// record. A body that is no text goes as base64, with the attribute Body.Encoding.
func sqsEvent(m *message.Message, body []byte, attributes []message.Attribute) []byte {
	text := string(body)
	given := map[string]sqsAttribute{}
	add := func(name, value string) {
		given[name] = sqsAttribute{StringValue: value, StringListValues: []string{}, BinaryListValues: []string{}, DataType: "String"}
	}
	for _, a := range attributes {
		add(a.Name, a.Value)
	}
	if !utf8.Valid(body) {
		text = base64.StdEncoding.EncodeToString(body)
		add("Body.Encoding", "base64")
	}
	digest := md5.Sum([]byte(text))
	system := map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.ReceiveCount), "SenderId": "carrier"}
	for name, at := range map[string]time.Time{"SentTimestamp": m.Sent, "ApproximateFirstReceiveTimestamp": m.FirstReceived} {
		if !at.IsZero() {
			system[name] = strconv.FormatInt(at.UnixMilli(), 10)
		}
	}
	if m.Group != "" {
		system["MessageGroupId"] = m.Group
	}
	type record struct {
		MessageID         string                  `json:"messageId"`
		ReceiptHandle     string                  `json:"receiptHandle"`
		Body              string                  `json:"body"`
		Attributes        map[string]string       `json:"attributes"`
		MessageAttributes map[string]sqsAttribute `json:"messageAttributes"`
		MD5OfBody         string                  `json:"md5OfBody"`
		EventSource       string                  `json:"eventSource"`
		EventSourceARN    string                  `json:"eventSourceARN"`
		AWSRegion         string                  `json:"awsRegion"`
	}
	return encode(struct{ Records []record }{[]record{{
		m.ID, m.ID, text, system, given, hex.EncodeToString(digest[:]), "aws:sqs", "arn:aws:sqs:::" + m.Source, "",
	}}})
}

// encode is v as JSON; v is always such that it can be.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

// Judge reports whether an accepting answer with this body means that the one record was handled (Lambda,
// "Handling errors for an SQS event source"): an empty body, one that is not declared JSON, and one that
// lists no failure do. Broken JSON, and any failure that is listed, does not.
func Judge(contentType string, body []byte) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if len(body) == 0 || err != nil || media != jsonType {
		return true
	}
	var answer *struct {
		BatchItemFailures []json.RawMessage `json:"batchItemFailures"`
	}
	if json.Unmarshal(body, &answer) == nil {
		return answer == nil || len(answer.BatchItemFailures) == 0
	}
	var other any
	_ = json.Unmarshal(body, &other)
	switch other.(type) {
	case string, bool, float64, []any: // a function may return what it likes
		return true
	default:
		return false
	}
}
