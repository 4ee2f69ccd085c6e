package sqs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"carrier/message"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

// convert makes what is sent of m, or says why SQS cannot hold it.
func (p *Publisher) convert(m *message.Message) (api.OutgoingMessage, publisher.Why, error) {
	out := api.OutgoingMessage{Trace: m.Trace, Group: m.Group}
	var err error
	if out.Attributes, err = attributesOf(m); err != nil {
		return out, publisher.Unsupported, err
	}
	out.Body, out.Attributes = encode(m.Body, out.Attributes)
	if n := len(out.Attributes); n > maxAttributes {
		return out, publisher.Unsupported, fmt.Errorf("SQS takes %d attributes, and the message has %d", maxAttributes, n)
	}
	if n := out.Size(); n > p.bytes {
		return out, publisher.TooLarge, fmt.Errorf("the queue takes %d bytes, and the message has %d", p.bytes, n)
	}
	if m.Group != "" && !isID(m.Group) {
		return out, publisher.Unsupported, fmt.Errorf("a group of SQS has 1 to 128 letters, digits and marks of ASCII, and this one does not: %q", m.Group)
	}
	if left := time.Until(m.Due); left > 0 {
		if left > p.Limits().Delay {
			return out, publisher.Unsupported, fmt.Errorf("the queue delays a message by %s at most, and this one is due in %s", p.Limits().Delay, left.Round(time.Second))
		}
		out.Delay = receiver.WholeSeconds(left, maxDelay)
	}
	if p.isFIFO() {
		out.Deduplication = deduplication(m)
		if out.Group == "" {
			out.Group = out.Deduplication // behind no other
		}
	}
	return out, 0, nil
}

// deduplication returns what tells m from others: its key, else its id, else something new. What SQS
// does not take as an id goes as its SHA-256.
func deduplication(m *message.Message) string {
	switch {
	case m.Key == "" && m.ID == "":
		return rand.Text()
	case m.Key == "":
		return idOf(m.ID)
	}
	return idOf(m.Key)
}

func idOf(key string) string {
	if isID(key) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// isID reports whether SQS takes text as the id of a group, or as a deduplication id.
func isID(text string) bool {
	return text != "" && len(text) <= 128 && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// attributeName is what SQS takes as the name of an attribute, but for dots at the ends and next to
// each other, and for names that begin as its own do.
var attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// attributesOf returns m's attributes, and its content type among them.
func attributesOf(m *message.Message) ([]api.Attribute, error) {
	list := make([]api.Attribute, 0, len(m.Attributes)+len(m.BinaryAttributes)+2)
	for _, a := range m.Attributes {
		if a.Value == "" || !isText(a.Value) {
			return nil, fmt.Errorf("attribute %s: SQS takes no empty value, and none with control characters", a.Name)
		}
		list = append(list, api.Attribute{Name: a.Name, Type: typeOr(a.Type, "String"), Text: a.Value})
	}
	if _, there := m.Attribute(api.ContentTypeAttribute); !there && m.ContentType != "" {
		list = append(list, api.Attribute{Name: api.ContentTypeAttribute, Type: "String", Text: m.ContentType})
	}
	for _, a := range m.BinaryAttributes {
		if a.Value == "" {
			return nil, fmt.Errorf("attribute %s: SQS takes no empty value", a.Name)
		}
		list = append(list, api.Attribute{Name: a.Name, Type: typeOr(a.Type, "Binary"), Binary: []byte(a.Value)})
	}
	seen := make(map[string]bool, len(list))
	for _, a := range list {
		if err := checkName(a.Name, seen[a.Name]); err != nil {
			return nil, err
		}
		seen[a.Name] = true
	}
	if value, _ := m.Attribute(api.EncodingAttribute); value == api.Base64 || value == api.Empty {
		return nil, fmt.Errorf("attribute %s: with the value %s it says how carrier has stored a body", api.EncodingAttribute, value)
	}
	return list, nil
}

func checkName(name string, seen bool) error {
	lower := strings.ToLower(name)
	switch {
	case seen:
		return fmt.Errorf("attribute %s: it is there twice", name)
	case len(name) > 256, !attributeName.MatchString(name), strings.HasPrefix(lower, "aws."), strings.HasPrefix(lower, "amazon."):
		return fmt.Errorf("attribute %q: SQS does not take the name", name)
	}
	return nil
}

func typeOr(given, otherwise string) string {
	if given == "" {
		return otherwise
	}
	return given
}

// encode returns body as SQS takes it, and the attributes with one that says how, where that is not
// as it is. The SQS receiver undoes it.
func encode(body []byte, attributes []api.Attribute) ([]byte, []api.Attribute) {
	switch encodingOf(body) {
	case api.Empty:
		return []byte(" "), append(attributes, encodingAttribute(api.Empty))
	case api.Base64:
		return base64.StdEncoding.AppendEncode(nil, body), append(attributes, encodingAttribute(api.Base64))
	}
	return body, attributes
}

func encodingAttribute(how string) api.Attribute {
	return api.Attribute{Name: api.EncodingAttribute, Type: "String", Text: how}
}

// asBase64 returns m with its body, which is stored as it is, in base64; ok is false where it is
// encoded already, or where there is no room for the attribute that says so.
func asBase64(m api.OutgoingMessage) (encoded api.OutgoingMessage, ok bool) {
	for _, a := range m.Attributes {
		if a.Name == api.EncodingAttribute {
			return m, false
		}
	}
	m.Body = base64.StdEncoding.AppendEncode(nil, m.Body)
	m.Attributes = append(slices.Clone(m.Attributes), encodingAttribute(api.Base64))
	return m, len(m.Attributes) <= maxAttributes
}

func encodingOf(body []byte) string {
	switch {
	case len(body) == 0:
		return api.Empty
	case !isText(string(body)):
		return api.Base64
	}
	return ""
}

// marks is how many attributes are added for body.
func marks(body []byte) int {
	if encodingOf(body) == "" {
		return 0
	}
	return 1
}

// isText reports whether SQS takes text: UTF-8 of the characters that XML 1.0 has.
func isText(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}) < 0
}
