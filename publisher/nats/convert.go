package nats

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"carrier/message"
	"carrier/publisher"
	"carrier/receiver/nats/api"
)

// maxAttributes is the most attributes of a message. NATS has no such limit: they count as bytes.
const maxAttributes = 10_000

// check says why a message cannot be published.
func (p *Publisher) check(m *message.Message) (publisher.Why, error) {
	if err := unsupported(m); err != nil {
		return publisher.Unsupported, err
	}
	if n := sizeOf(m); n > p.bytes {
		return publisher.TooLarge, fmt.Errorf("NATS takes %d bytes, and the message has %d with its headers", p.bytes, n)
	}
	return 0, nil
}

func unsupported(m *message.Message) error {
	switch {
	case len(m.BinaryAttributes) > 0:
		return fmt.Errorf("attribute %s: its value is binary, and a header's is text", m.BinaryAttributes[0].Name)
	case time.Until(m.Due) > 0:
		return errors.New("JetStream delays no message")
	case !isValue(m.Group), !isValue(m.ContentType):
		return errors.New("a group or a content type with line breaks, or with blanks at its ends, cannot be a header")
	case len(m.Attributes) > maxAttributes:
		return fmt.Errorf("%d attributes, and %d is the most", len(m.Attributes), maxAttributes)
	}
	if name, found := twice(m.Attributes); found {
		return fmt.Errorf("attribute %s: it is there twice", name)
	}
	for _, a := range m.Attributes {
		switch {
		case !isName(a.Name) || api.IsReserved(a.Name) || a.Name == api.GroupHeader:
			return fmt.Errorf("attribute %.300q: the name cannot be a header's", a.Name)
		case !isValue(a.Value):
			return fmt.Errorf("attribute %s: a value with line breaks, or with blanks at its ends, cannot be a header's", a.Name)
		case a.Name == "Status" && len(m.Body) == 0:
			return errors.New("attribute Status: with an empty body NATS clients take it for an answer of the server")
		}
	}
	return nil
}

// few is how many attributes may be looked through for each of them.
const few = 16

// twice returns a name that two attributes have.
func twice(attributes []message.Attribute) (name string, found bool) {
	if len(attributes) <= few {
		for i, a := range attributes {
			if isThere(attributes[:i], a.Name) {
				return a.Name, true
			}
		}
		return "", false
	}
	seen := make(map[string]bool, len(attributes))
	for _, a := range attributes {
		if seen[a.Name] {
			return a.Name, true
		}
		seen[a.Name] = true
	}
	return "", false
}

// isThere reports whether one of the attributes has a name.
func isThere(attributes []message.Attribute, name string) bool {
	return slices.ContainsFunc(attributes, func(a message.Attribute) bool { return a.Name == name })
}

// isName reports whether name can be a header's: visible ASCII without a colon.
func isName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) < 0
}

// isValue reports whether a header's value arrives as it is.
func isValue(value string) bool {
	return !strings.ContainsAny(value, "\r\n") && strings.Trim(value, " \t") == value
}

// eachHeader tells of what travels beside m's body.
func eachHeader(m *message.Message, tell func(name, value string)) {
	for _, a := range m.Attributes {
		tell(a.Name, a.Value)
	}
	if m.ContentType != "" && !isThere(m.Attributes, api.ContentTypeHeader) {
		tell(api.ContentTypeHeader, m.ContentType)
	}
	if m.Group != "" {
		tell(api.GroupHeader, m.Group)
	}
	if key := keyOf(m.Key); key != "" {
		tell(nats.MsgIdHdr, key)
	}
}

// headersOf returns what travels beside m's body.
func headersOf(m *message.Message) nats.Header {
	headers := nats.Header{}
	eachHeader(m, func(name, value string) { headers[name] = []string{value} })
	return headers
}

// sizeOf is how many bytes NATS counts for m.
func sizeOf(m *message.Message) int {
	headers := 0
	eachHeader(m, func(name, value string) { headers += len(name) + len(": \r\n") + len(value) })
	if headers > 0 {
		headers += len("NATS/1.0\r\n\r\n")
	}
	return len(m.Body) + headers
}

// keyOf is the id by which JetStream knows copies of a message; one that cannot be a header goes as
// its SHA-256.
func keyOf(key string) string {
	if isValue(key) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
