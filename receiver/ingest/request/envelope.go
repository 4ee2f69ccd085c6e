package request

import (
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"sort"
	"time"

	"carrier/message"
)

// An Envelope is what is stored of a request besides its body.
type Envelope struct {
	ContentType string
	// Timeout is the age at which the message is given up; zero where its producer said nothing.
	Timeout    time.Duration
	Attributes []message.Attribute
	Request    message.Request
}

// Version 2 has the timeout in front of the rest, and is written only where there is one: a carrier that
// does not know it yet can read all others.
const (
	envelopeVersion        = 1
	envelopeVersionTimeout = 2
)

var errEnvelope = errors.New("not an envelope")

// Key tells copies of the message from others: the idempotency key, and before it method and path
// where they are not POST and /. It is empty where the producer gave none.
func (e Envelope) Key() string {
	for _, name := range keyHeaders() {
		key := e.Request.Header.Get(name)
		switch {
		case key == "":
			continue
		case e.Request.Method == http.MethodPost && e.Request.Path == "/":
			return key
		}
		return e.Request.Method + "\t" + e.Request.Path + "\t" + key // no key has a tab in it
	}
	return ""
}

// Encode writes a version, then strings and lists, each after its length.
func (e Envelope) Encode() []byte {
	b := []byte{envelopeVersion}
	if e.Timeout > 0 {
		b = binary.AppendUvarint([]byte{envelopeVersionTimeout}, uint64(e.Timeout))
	}
	for _, s := range []string{e.ContentType, e.Request.Method, e.Request.Path, e.Request.Query} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Attributes)))
	for _, a := range e.Attributes {
		b = appendString(appendString(b, a.Name), a.Value)
	}
	names := make([]string, 0, len(e.Request.Header))
	for name := range e.Request.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		values := e.Request.Header[name]
		b = binary.AppendUvarint(appendString(b, name), uint64(len(values)))
		for _, value := range values {
			b = appendString(b, value)
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// DecodeEnvelope reads what Encode wrote.
func DecodeEnvelope(b []byte) (Envelope, error) {
	if len(b) == 0 || b[0] != envelopeVersion && b[0] != envelopeVersionTimeout {
		return Envelope{}, errEnvelope
	}
	r := reader{rest: string(b[1:])}
	var e Envelope
	if b[0] == envelopeVersionTimeout {
		e.Timeout = time.Duration(r.number())
	}
	e.ContentType = r.text()
	e.Request.Method, e.Request.Path, e.Request.Query = r.text(), r.text(), r.text()
	for n := r.length(); n > 0 && !r.bad; n-- {
		e.Attributes = append(e.Attributes, message.Attribute{Name: r.text(), Value: r.text()})
	}
	e.Request.Header = http.Header{}
	for n := r.length(); n > 0 && !r.bad; n-- {
		name := r.text()
		for n := r.length(); n > 0 && !r.bad; n-- {
			e.Request.Header[name] = append(e.Request.Header[name], r.text())
		}
	}
	if r.bad || r.rest != "" {
		return Envelope{}, errEnvelope
	}
	return e, nil
}

// A reader takes values off the front of rest. Once one is not there it is bad, and gives
// empty ones.
type reader struct {
	rest string
	bad  bool
}

// length is a count of what follows, at a byte or more each.
func (r *reader) length() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, ""
		return 0
	}
	return int(n)
}

func (r *reader) number() uint64 {
	n, width := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	if width <= 0 || n > math.MaxInt64 {
		r.bad, r.rest = true, ""
		return 0
	}
	r.rest = r.rest[width:]
	return n
}

func (r *reader) text() string {
	n := r.length()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
