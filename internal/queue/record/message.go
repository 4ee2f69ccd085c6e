package record

import (
	"encoding/binary"
	"fmt"
)

// A Message is one stored message. Its times are Unix nanoseconds; Due is 0 for at once.
type Message struct {
	ID          [16]byte
	Stored, Due int64
	Group       string
	Head, Body  []byte
}

const messageFixed = sealSize + 16 + 8 + 8

// Encode returns m as a value.
func (m *Message) Encode() []byte {
	size := messageFixed + 2*binary.MaxVarintLen32 + len(m.Group) + len(m.Head) + len(m.Body)
	b := make([]byte, sealSize, size)
	b = append(b, m.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Stored))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Due))
	b = appendBytes(b, []byte(m.Group))
	b = appendBytes(b, m.Head)
	b = append(b, m.Body...)
	return seal(b)
}

// DecodeMessage checks b and reads it. The message's slices are parts of b.
func DecodeMessage(b []byte) (Message, error) {
	if _, err := unseal(b); err != nil {
		return Message{}, err
	}
	e, err := ParseEnvelope(b, len(b))
	if err != nil {
		return Message{}, err
	}
	return Message{
		ID: [16]byte(b[sealSize:]), Stored: e.Stored, Due: e.Due,
		Group: string(e.Group), Head: b[len(b)-e.rest : len(b)-e.rest+e.head], Body: b[len(b)-e.rest+e.head:],
	}, nil
}

// An Envelope is what a message's value says of it before its head and body. Its times are Unix
// nanoseconds.
type Envelope struct {
	Stored, Due int64
	Group       []byte
	// Cost is what the message counts for in a quota of bytes.
	Cost int64

	head, rest int // lengths of the head, and of head and body
}

// Plain says whether a message with this envelope belongs into the bucket Plain.
func (e Envelope) Plain() bool { return len(e.Group) == 0 && e.Due == 0 }

// ParseEnvelope reads the beginning b of a value of size bytes. It does not check the seal: it
// is for the start, which reads no bodies. Group is a part of b.
func ParseEnvelope(b []byte, size int) (Envelope, error) {
	if len(b) < messageFixed || b[4] != version {
		return Envelope{}, fmt.Errorf("%w: no message", ErrDamaged)
	}
	e := Envelope{Stored: int64(binary.BigEndian.Uint64(b[21:])), Due: int64(binary.BigEndian.Uint64(b[29:]))}
	group, rest, ok := cutBytes(b[messageFixed:])
	if !ok {
		return Envelope{}, fmt.Errorf("%w: group", ErrDamaged)
	}
	head, w := binary.Uvarint(rest)
	e.rest = size - (len(b) - len(rest)) - w
	if w <= 0 || e.rest < 0 || head > uint64(e.rest) {
		return Envelope{}, fmt.Errorf("%w: head", ErrDamaged)
	}
	e.Group, e.head = group, int(head)
	e.Cost = Cost(len(group), e.head, e.rest-e.head, e.Plain())
	return e, nil
}

const (
	// FreeHead is how much of a message's group and head costs nothing, in bytes.
	FreeHead = 1 << 10
	// IndexCost is what a message costs that is kept in the index in memory: about what it
	// takes there.
	IndexCost = 128
)

// Cost is what a message counts for in a quota of bytes: its body, what its group and head
// exceed FreeHead by, and IndexCost unless it is plain.
func Cost(group, head, body int, plain bool) int64 {
	c := int64(body) + max(0, int64(group+head-FreeHead))
	if !plain {
		c += IndexCost
	}
	return c
}

// CostOf is the cost of a stored value, as far as it can be read.
func CostOf(value []byte) int64 {
	e, err := ParseEnvelope(value, len(value))
	if err != nil {
		return 0
	}
	return e.Cost
}
