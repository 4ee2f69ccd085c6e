package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// A Reason says why a message became a dead letter.
type Reason struct {
	Text string
	// Status is the worker's HTTP status; 0 when there was none.
	Status int
	// Attempts is how often the message was handed out.
	Attempts int
	// Endpoint is where the last attempt went to; empty where there was none, or nobody knows.
	Endpoint string
	// FirstReceived is when the message was received first, and LastAttempt when its last attempt
	// began; zero where nobody knows.
	FirstReceived, LastAttempt time.Time
}

// longestText is the most bytes of Text and of Endpoint that are kept: the start reads a dead letter's
// first 4 KiB only.
const longestText = 1024

// EncodeDeadLetter returns the value of a dead letter: when, why, and the message's own value.
func EncodeDeadLetter(r Reason, at time.Time, message []byte) []byte {
	text := r.text()
	b := make([]byte, sealSize, sealSize+8+3*binary.MaxVarintLen64+len(text)+len(message))
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixNano()))
	b = binary.AppendUvarint(b, uint64(max(0, r.Status)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Attempts)))
	b = appendBytes(b, text)
	return seal(append(b, message...))
}

// text is what is written of r in words. Where more is known than Text, that follows behind a zero
// byte: releases that know of Text alone read the same values.
func (r Reason) text() []byte {
	b := bytes.ReplaceAll([]byte(cut(r.Text)), []byte{0}, []byte{' '})
	if r.Endpoint == "" && r.FirstReceived.IsZero() && r.LastAttempt.IsZero() {
		return b
	}
	b = appendBytes(append(b, 0), []byte(cut(r.Endpoint)))
	b = binary.BigEndian.AppendUint64(b, nanoseconds(r.FirstReceived))
	return binary.BigEndian.AppendUint64(b, nanoseconds(r.LastAttempt))
}

// readText is the opposite of text.
func (r *Reason) readText(b []byte) {
	text, more, _ := bytes.Cut(b, []byte{0})
	endpoint, times, ok := cutBytes(more)
	if !ok || len(times) != 16 {
		r.Text = string(b)
		return
	}
	r.Text, r.Endpoint = string(text), string(endpoint)
	r.FirstReceived, r.LastAttempt = moment(times), moment(times[8:])
}

func cut(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") // it may end within a letter
}

func nanoseconds(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano())
}

func moment(b []byte) time.Time {
	if n := int64(binary.BigEndian.Uint64(b)); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// A DeadLetter is what a dead letter says beside its message's head and body.
type DeadLetter struct {
	Reason Reason
	// At is when the message became a dead letter.
	At time.Time
	Envelope
}

// ParseDeadLetter reads the beginning b of a value of size bytes. It does not check the seal. The
// envelope's Group is a part of b.
func ParseDeadLetter(b []byte, size int) (d DeadLetter, err error) {
	var message []byte
	if d.Reason, d.At, message, err = parseDeadLetter(b); err != nil {
		return d, err
	}
	d.Envelope, err = ParseEnvelope(message, size-(len(b)-len(message)))
	return d, err
}

// DecodeDeadLetter checks b and reads it.
func DecodeDeadLetter(b []byte) (r Reason, at time.Time, m Message, err error) {
	if _, err := unseal(b); err != nil {
		return r, at, m, err
	}
	r, at, message, err := parseDeadLetter(b)
	if err == nil {
		m, err = DecodeMessage(message)
	}
	return r, at, m, err
}

// parseDeadLetter reads b without its checksum, and leaves the message's own value as it is.
func parseDeadLetter(b []byte) (r Reason, at time.Time, message []byte, err error) {
	if len(b) < sealSize+8 || b[4] != version {
		return r, at, nil, fmt.Errorf("%w: no dead letter", ErrDamaged)
	}
	p := b[sealSize:]
	at = time.Unix(0, int64(binary.BigEndian.Uint64(p)))
	status, p, ok1 := cutNumber(p[8:])
	attempts, p, ok2 := cutNumber(p)
	reason, message, ok3 := cutBytes(p)
	if !ok1 || !ok2 || !ok3 {
		return r, at, nil, fmt.Errorf("%w: no dead letter", ErrDamaged)
	}
	r = Reason{Status: status, Attempts: attempts}
	r.readText(reason)
	return r, at, message, nil
}

// DeadLetterCost is the cost of the message in a dead letter, of which b is the beginning and
// size the whole length; 0 where it cannot be read.
func DeadLetterCost(b []byte, size int) int64 {
	d, err := ParseDeadLetter(b, size)
	if err != nil {
		return 0
	}
	return d.Cost
}
