package pubsub

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"carrier/message"
	"carrier/publisher"
	"carrier/receiver/pubsub/api"
)

// What Pub/Sub takes of one attribute, and of an ordering key, in bytes.
const (
	maxName  = 256
	maxValue = 1024
	maxKey   = 1024
)

// check says why Pub/Sub cannot hold m.
func check(m *message.Message) (publisher.Why, error) {
	if err := unsupported(m); err != nil {
		return publisher.Unsupported, err
	}
	if n := sizeOf(m); n > maxBytes {
		return publisher.TooLarge, fmt.Errorf("Pub/Sub takes %d bytes, and the message has %d", maxBytes, n)
	}
	return 0, nil
}

func unsupported(m *message.Message) error {
	switch {
	case len(m.BinaryAttributes) > 0:
		return fmt.Errorf("attribute %s: its value is binary, and of Pub/Sub's is text", m.BinaryAttributes[0].Name)
	case time.Until(m.Due) > 0:
		return errors.New("a topic delays no message")
	case len(m.Group) > maxKey || !utf8.ValidString(m.Group):
		return fmt.Errorf("an ordering key has at most %d bytes of UTF-8", maxKey)
	}
	if n := len(attributesOf(m)); n > maxAttributes {
		return fmt.Errorf("Pub/Sub takes %d attributes, and the message has %d", maxAttributes, n)
	}
	return badAttribute(m)
}

// badAttribute says which attribute cannot be kept, and why.
func badAttribute(m *message.Message) error {
	seen := map[string]bool{}
	for _, a := range m.Attributes {
		switch {
		case seen[a.Name]:
			return fmt.Errorf("attribute %s: it is there twice", a.Name)
		case a.Name == "" || len(a.Name) > maxName || !utf8.ValidString(a.Name) || strings.HasPrefix(a.Name, api.Reserved):
			return fmt.Errorf("attribute %.300q: Pub/Sub does not take the name", a.Name)
		case len(a.Value) > maxValue || !utf8.ValidString(a.Value):
			return fmt.Errorf("attribute %s: Pub/Sub takes %d bytes of UTF-8", a.Name, maxValue)
		}
		seen[a.Name] = true
	}
	return nil
}

// attributesOf returns m's attributes, its content type among them, and a mark where there would be
// nothing else: Pub/Sub takes no message without a body and attributes. The receiver drops it.
func attributesOf(m *message.Message) map[string]string {
	all := make(map[string]string, len(m.Attributes)+1)
	for _, a := range m.Attributes {
		all[a.Name] = a.Value
	}
	if _, there := all[api.ContentTypeAttribute]; !there && m.ContentType != "" {
		all[api.ContentTypeAttribute] = m.ContentType
	}
	if len(m.Body) == 0 && len(all) == 0 {
		all[api.EncodingAttribute] = api.Empty
	}
	return all
}

// marks is how many attributes may be added for body.
func marks(body []byte) int {
	if len(body) == 0 {
		return 1
	}
	return 0
}

func sizeOf(m *message.Message) int {
	n := len(m.Body) + len(m.Group)
	for name, value := range attributesOf(m) {
		n += len(name) + len(value) + 8
	}
	return n
}
