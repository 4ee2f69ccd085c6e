package format

import (
	"encoding/json"
	"time"

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

// encode is v as JSON; v is always such that it can be.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}
