package ingest

import (
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"sort"
	"time"

	"carrier/message"
)

// An envelope is what is stored of a request besides its body.
type envelope struct {
	contentType string
	// timeout is the age at which the message is given up; zero where its producer said nothing.
	timeout    time.Duration
	attributes []message.Attribute
	request    message.Request
}

// Version 2 has the timeout in front of the rest, and is written only where there is one: a carrier that
// does not know it yet can read all others.
const (
	envelopeVersion        = 1
	envelopeVersionTimeout = 2
)

var errEnvelope = errors.New("not an envelope")

// encode writes a version, then strings and lists, each after its length.
func (e envelope) encode() []byte {
	b := []byte{envelopeVersion}
	if e.timeout > 0 {
		b = binary.AppendUvarint([]byte{envelopeVersionTimeout}, uint64(e.timeout))
	}
	for _, s := range []string{e.contentType, e.request.Method, e.request.Path, e.request.Query} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(e.attributes)))
	for _, a := range e.attributes {
		b = appendString(appendString(b, a.Name), a.Value)
	}
	names := make([]string, 0, len(e.request.Header))
	for name := range e.request.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		values := e.request.Header[name]
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

// decodeEnvelope reads what encode wrote.
func decodeEnvelope(b []byte) (envelope, error) {
	if len(b) == 0 || b[0] != envelopeVersion && b[0] != envelopeVersionTimeout {
		return envelope{}, errEnvelope
	}
	r := reader{rest: string(b[1:])}
	var e envelope
	if b[0] == envelopeVersionTimeout {
		e.timeout = time.Duration(r.number())
	}
	e.contentType = r.text()
	e.request.Method, e.request.Path, e.request.Query = r.text(), r.text(), r.text()
	for n := r.length(); n > 0 && !r.bad; n-- {
		e.attributes = append(e.attributes, message.Attribute{Name: r.text(), Value: r.text()})
	}
	e.request.Header = http.Header{}
	for n := r.length(); n > 0 && !r.bad; n-- {
		name := r.text()
		for n := r.length(); n > 0 && !r.bad; n-- {
			e.request.Header[name] = append(e.request.Header[name], r.text())
		}
	}
	if r.bad || r.rest != "" {
		return envelope{}, errEnvelope
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
