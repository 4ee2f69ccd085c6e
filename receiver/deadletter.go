package receiver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"carrier/message"
	"carrier/publisher"
)

// OriginalIDAttribute is the attribute in which a dead letter keeps the id of its message. A
// receiver reads message.Message.OriginalID from it.
const OriginalIDAttribute = "Carrier.MessageId"

// SubjectAttribute is the attribute in which a dead letter keeps where its message was published,
// where the source has many such places (NATS: the subject).
const SubjectAttribute = "Carrier.Subject"

// maxDeadLetterValue is the most bytes of an attribute that carrier adds to a dead letter. Pub/Sub
// takes no more.
const maxDeadLetterValue = 1024

// number is the type, at the sources that know types, of an attribute that is one.
const number = "Number"

// DeadLetterAttributes says what became of m, in the attributes that its dead letter carries beside
// the message's own: the most important one first, for sources that limit their number. An
// attribute with nothing to say is left out; Status is always there, 0 where there was no answer.
// Every value is valid UTF-8 of 1 to 1,024 bytes without control characters. Times are RFC 3339 in
// UTC.
func DeadLetterAttributes(m *message.Message, o message.Outcome) []message.Attribute {
	id := m.OriginalID
	if id == "" {
		id = m.ID
	}
	reason := o.Reason
	if reason == "" {
		reason = "rejected"
	}
	var list []message.Attribute
	for _, a := range []message.Attribute{
		{Name: OriginalIDAttribute, Value: id},
		{Name: "Carrier.Reason", Value: reason},
		{Name: "Carrier.Status", Value: strconv.Itoa(o.Status), Type: number},
		{Name: "Carrier.Attempts", Value: strconv.Itoa(Attempts(m, o)), Type: number},
		{Name: "Carrier.Endpoint", Value: o.Endpoint},
		{Name: "Carrier.FirstReceived", Value: moment(m.FirstReceived)},
		{Name: "Carrier.LastAttempt", Value: moment(o.Attempted)},
	} {
		if a.Value = printable(a.Value); a.Value != "" {
			list = append(list, a)
		}
	}
	return list
}

// Attempts is how many attempts m has had when it ends with o: those that failed before, and the one
// that o is the outcome of, if one was made.
func Attempts(m *message.Message, o message.Outcome) int {
	if o.Attempted.IsZero() && o.Status == 0 {
		return m.FailedAttempts()
	}
	return m.FailedAttempts() + 1
}

// IsDeadLetterAttribute reports whether name is that of an attribute which DeadLetterAttributes may
// return, or SubjectAttribute. Those of an earlier time as a dead letter make room for the new ones.
func IsDeadLetterAttribute(name string) bool {
	switch name {
	case OriginalIDAttribute, "Carrier.Reason", "Carrier.Status", "Carrier.Attempts",
		"Carrier.Endpoint", "Carrier.FirstReceived", "Carrier.LastAttempt", SubjectAttribute:
		return true
	}
	return false
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printable makes value one that SQS and Pub/Sub take: not too long, and of the characters that XML
// 1.0 allows.
func printable(value string) string {
	value = strings.Map(func(c rune) rune {
		switch {
		case c == utf8.RuneError, c < ' ', c == 0xFFFE, c == 0xFFFF:
			return '?'
		}
		return c
	}, value)
	if len(value) > maxDeadLetterValue {
		value = strings.ToValidUTF8(value[:maxDeadLetterValue], "") // it may end within a letter
	}
	return value
}

// A DeadLetter sends one message to where dead letters go and removes it from its queue. The zero
// value has sent nothing. It is not safe for concurrent use.
type DeadLetter struct {
	// sent says that the dead letter is where it belongs. It is not sent again when the removal is
	// tried again.
	sent bool
}

// Settle calls send until it has succeeded once, and then remove. When the answer to send is lost
// the dead letter is sent again by the next Settle. An error of remove is wrapped in ErrNotRemoved.
func (d *DeadLetter) Settle(send, remove func() error) error {
	if !d.sent {
		if err := send(); err != nil {
			return err
		}
		d.sent = true
	}
	if err := remove(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotRemoved, err)
	}
	return nil
}

// DeadLetters says where the dead letters of a source go.
type DeadLetters struct {
	To publisher.Publisher
	// Reserved reports whether the attribute called name was added by the source itself, which takes
	// it from nobody; nil means that none is.
	Reserved func(name string) bool
	// Subject is where m was published, for SubjectAttribute; nil where all came the same way.
	Subject func(m *message.Message) string
	// Warn is told what an operator should know.
	Warn func(messageID, text string, err error)
}

// Send stores the dead letter that m becomes by o, and returns once its queue vouches for it. m's own
// attributes come first, then DeadLetterAttributes as far as there is room. Where the queue refuses
// these for good they are left out: most likely the message is as large as one may be. The dead
// letters of one message have one key, so that a queue which knows keys stores it once.
func (d DeadLetters) Send(ctx context.Context, m *message.Message, o message.Outcome) error {
	letter := d.copyOf(m)
	own := len(letter.Attributes)
	ours := DeadLetterAttributes(m, o)
	if d.Subject != nil {
		// One that would be cut is left out: it would name another place.
		if subject := d.Subject(m); subject != "" && printable(subject) == subject {
			ours = append(ours, message.Attribute{Name: SubjectAttribute, Value: subject})
		}
	}
	letter.Attributes = append(letter.Attributes, ours[:min(len(ours), d.To.Limits().Spare(letter))]...)
	err := d.publish(ctx, letter)
	if !publisher.IsPermanent(err) {
		return err
	}
	d.Warn(m.ID, "the source refused a dead letter with carrier's attributes; it is sent without them", errors.Unwrap(err))
	letter.Attributes = letter.Attributes[:own]
	if m.OriginalID != "" {
		letter.Attributes = append(letter.Attributes, ours[0])
	}
	return d.publish(ctx, letter)
}

// publish makes the refusal of a message that breaks a queue's rules an Error like any other.
func (d DeadLetters) publish(ctx context.Context, letter *message.Message) error {
	err := d.To.Publish(ctx, []*message.Message{letter})[0].Err
	if publisher.IsPermanent(err) && ClassOf(err) == Other {
		return &Error{Operation: "send", Class: Invalid, Err: err}
	}
	return err
}

// copyOf is m as it goes to another queue, without what an earlier dead letter left.
func (d DeadLetters) copyOf(m *message.Message) *message.Message {
	letter := &message.Message{
		Body: m.Body, ContentType: m.ContentType, BinaryAttributes: m.BinaryAttributes,
		Trace: m.Trace, Group: m.Group, Key: "dead-letter:" + m.ID,
	}
	for _, a := range m.Attributes {
		if !IsDeadLetterAttribute(a.Name) && (d.Reserved == nil || !d.Reserved(a.Name)) {
			letter.Attributes = append(letter.Attributes, a)
		}
	}
	return letter
}
