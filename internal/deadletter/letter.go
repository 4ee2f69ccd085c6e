package deadletter

import (
	"slices"
	"strconv"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// A Letter is one dead letter, as the admin port tells of it. What is not known is zero: a letter that
// a redrive policy has moved says nothing of itself.
type Letter struct {
	// ID is what the place of the dead letters calls it. OriginalID is that of the message it was
	// first, where it says so.
	ID         string `json:"id"`
	Route      string `json:"route"`
	OriginalID string `json:"original_id,omitempty"`
	// Reason says why it was rejected, Status is the worker's last answer, 0 where there was none.
	Reason        string    `json:"reason"`
	Status        int       `json:"status"`
	Attempts      int       `json:"attempts"`
	Endpoint      string    `json:"endpoint"`
	FirstReceived time.Time `json:"first_received,omitzero"`
	LastAttempt   time.Time `json:"last_attempt,omitzero"`
	Group         string    `json:"group,omitempty"`
	// Bytes is the size of the body.
	Bytes int `json:"bytes"`
	// Attributes and Body are there where one letter was asked for. A binary attribute is left out.
	Attributes map[string]string `json:"attributes,omitempty"`
	Body       []byte            `json:"body,omitempty"`
}

// Of is the letter that m is, without its content.
func Of(m *message.Message) Letter {
	l := Letter{ID: m.ID, OriginalID: m.OriginalID, Group: m.Group, Bytes: len(m.Body)}
	for _, a := range m.Attributes {
		switch a.Name {
		case "Carrier.Reason":
			l.Reason = a.Value
		case "Carrier.Status":
			l.Status = number(a.Value)
		case "Carrier.Attempts":
			l.Attempts = number(a.Value)
		case "Carrier.Endpoint":
			l.Endpoint = a.Value
		case "Carrier.FirstReceived":
			l.FirstReceived = moment(a.Value)
		case "Carrier.LastAttempt":
			l.LastAttempt = moment(a.Value)
		}
	}
	return l
}

// Whole is the letter that m is, with its content. The producer's own attributes are in it, and not
// those that tell why it is dead.
func Whole(m *message.Message) Letter {
	l := Of(m)
	l.Body = m.Body
	l.Attributes = map[string]string{}
	for _, a := range m.Attributes {
		if !receiver.IsDeadLetterAttribute(a.Name) {
			l.Attributes[a.Name] = a.Value
		}
	}
	return l
}

// number reads a number; what is none is zero.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// moment reads a time; what is none is the zero time.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Origin is the id of the message that the letter m was first.
func Origin(m *message.Message) string {
	if m.OriginalID != "" {
		return m.OriginalID
	}
	return m.ID
}

// Revived is the letter m as it goes back to its queue: without what says why it was dead, and with
// the id that it had first, where spare says that there is room for one more attribute. Its key is
// made of the letter's id: a queue that knows keys stores it once, though it is sent again after an
// answer was lost, and does not take it for the message that was sent before.
func Revived(m *message.Message, spare func(*message.Message) int) *message.Message {
	out := &message.Message{
		Body: m.Body, ContentType: m.ContentType, BinaryAttributes: m.BinaryAttributes,
		Trace: m.Trace, Group: m.Group, Key: "redrive:" + m.ID,
	}
	out.Attributes = slices.DeleteFunc(slices.Clone(m.Attributes), func(a message.Attribute) bool {
		return receiver.IsDeadLetterAttribute(a.Name)
	})
	if spare(out) > 0 {
		out.Attributes = append(out.Attributes, message.Attribute{Name: receiver.OriginalIDAttribute, Value: Origin(m)})
	}
	return out
}
