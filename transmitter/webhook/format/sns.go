package format

import (
	"encoding/json"
	"slices"
	"strings"

	"carrier/message"
)

// Unwrap takes an SNS notification apart that was sent to a queue without raw delivery: it returns its
// message, and its String and Number attributes in the order of their names before those of the
// queue's message, which win. It reports false for what is no notification.
func Unwrap(body []byte, attributes []message.Attribute) ([]byte, []message.Attribute, bool) {
	var n struct {
		Type, MessageId, TopicArn string //nolint:revive // as SNS spells them
		Message                   *string
		MessageAttributes         map[string]struct{ Type, Value string }
	}
	if json.Unmarshal(body, &n) != nil || n.Type != "Notification" || n.MessageId == "" || n.TopicArn == "" || n.Message == nil {
		return body, attributes, false
	}
	var own []message.Attribute
	for name, a := range n.MessageAttributes {
		taken := slices.ContainsFunc(attributes, func(b message.Attribute) bool { return b.Name == name })
		if !taken && !strings.HasPrefix(a.Type, "Binary") {
			if a.Type == "String" {
				a.Type = "" // as message.Attribute says it
			}
			own = append(own, message.Attribute{Name: name, Value: a.Value, Type: a.Type})
		}
	}
	slices.SortFunc(own, func(a, b message.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return []byte(*n.Message), append(own, attributes...), true
}
