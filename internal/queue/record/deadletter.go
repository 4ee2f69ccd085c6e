package record

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A Reason says why a message became a dead letter.
type Reason struct {
	Text string
	// Status is the worker's HTTP status; 0 when there was none.
	Status int
	// Attempts is how often the message was handed out.
	Attempts int
}

// EncodeDeadLetter returns the value of a dead letter: when, why, and the message's own value.
func EncodeDeadLetter(r Reason, at time.Time, message []byte) []byte {
	b := make([]byte, sealSize, sealSize+8+3*binary.MaxVarintLen64+len(r.Text)+len(message))
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixNano()))
	b = binary.AppendUvarint(b, uint64(max(0, r.Status)))
	b = binary.AppendUvarint(b, uint64(max(0, r.Attempts)))
	b = appendBytes(b, []byte(r.Text))
	return seal(append(b, message...))
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
	return Reason{Text: string(reason), Status: status, Attempts: attempts}, at, message, nil
}

// DeadLetterCost is the cost of the message in a dead letter, of which b is the beginning and
// size the whole length; 0 where it cannot be read.
func DeadLetterCost(b []byte, size int) int64 {
	_, _, message, err := parseDeadLetter(b)
	if err != nil {
		return 0
	}
	e, err := ParseEnvelope(message, size-(len(b)-len(message)))
	if err != nil {
		return 0
	}
	return e.Cost
}
