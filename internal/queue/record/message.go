package record

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A Message is one stored message. Its times are Unix nanoseconds; Due is 0 for at once.
type Message struct {
	// To are the subscriptions that the message is for: bit n is slot n. Encode takes 0 for slot 0.
	To          uint64
	ID          [16]byte
	Stored, Due int64
	Group       string
	Head, Body  []byte
}

// A message's value is the seal, the slots where they are other than slot 0 alone, what follows
// here, and group, head and body.
const (
	toSize       = 8
	messageFixed = 16 + 8 + 8
)

// FirstSlot is the To of a message for the subscription of slot 0 alone.
const FirstSlot = 1

// Encode returns m as a value.
func (m *Message) Encode() []byte {
	size := sealSize + toSize + messageFixed + 2*binary.MaxVarintLen32 + len(m.Group) + len(m.Head) + len(m.Body)
	b, v := make([]byte, sealSize, size), byte(version)
	if m.To > FirstSlot {
		b, v = binary.BigEndian.AppendUint64(b, m.To), severalVersion
	}
	b = append(b, m.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Stored))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Due))
	b = appendBytes(b, []byte(m.Group))
	b = appendBytes(b, m.Head)
	b = append(b, m.Body...)
	return sealAs(b, v)
}

// fixed is where the fixed part of the message with value b begins, and To what it is for.
func fixed(b []byte) (at int, to uint64, err error) {
	switch {
	case len(b) >= sealSize+messageFixed && b[4] == version:
		return sealSize, FirstSlot, nil
	case len(b) >= sealSize+toSize+messageFixed && b[4] == severalVersion:
		return sealSize + toSize, binary.BigEndian.Uint64(b[sealSize:]), nil
	default:
		return 0, 0, fmt.Errorf("%w: no message", ErrDamaged)
	}
}

// To returns the subscriptions that the message with value b is for; 0 where b is no message. It
// does not check the seal, and needs no more than the first 64 bytes.
func To(b []byte) uint64 {
	_, to, _ := fixed(b)
	return to
}

// ForFirstSlot is the message's value b as one for slot 0 alone, which is how it lies in a dead
// letter. B is used up.
func ForFirstSlot(b []byte) []byte {
	at, _, err := fixed(b)
	if err != nil || at == sealSize {
		return b
	}
	return seal(b[at-sealSize:])
}

// DecodeMessage checks b and reads it. The message's slices are parts of b.
func DecodeMessage(b []byte) (Message, error) {
	if err := checkSeal(b, severalVersion); err != nil {
		return Message{}, err
	}
	e, err := ParseEnvelope(b, len(b))
	if err != nil {
		return Message{}, err
	}
	at, _, _ := fixed(b)
	return Message{
		To: e.To, ID: [16]byte(b[at:]), Stored: e.Stored, Due: e.Due,
		Group: string(e.Group), Head: b[len(b)-e.rest : len(b)-e.rest+e.head], Body: b[len(b)-e.rest+e.head:],
	}, nil
}

// An Envelope is what a message's value says of it before its head and body. Its times are Unix
// nanoseconds.
type Envelope struct {
	// To are the subscriptions that the message is for, a bit for each slot.
	To          uint64
	ID          [16]byte
	Stored, Due int64
	Group       []byte
	// Cost is what the message counts for in a quota of bytes of one subscription.
	Cost int64

	head, rest int // lengths of the head, and of head and body
}

// Plain says whether a message with this envelope belongs into the bucket Plain.
func (e Envelope) Plain() bool { return len(e.Group) == 0 && e.Due == 0 }

// BodySize is the length of the message's body in bytes.
func (e Envelope) BodySize() int { return e.rest - e.head }

// CostToAll is what the message counts for in the file's quota of bytes: the body once, and the
// index for each subscription.
func (e Envelope) CostToAll() int64 { return CostToAll(e.Cost, e.To, e.Plain()) }

// ParseEnvelope reads the beginning b of a value of size bytes. It does not check the seal: it
// is for the start, which reads no bodies. Group is a part of b.
func ParseEnvelope(b []byte, size int) (Envelope, error) {
	at, to, err := fixed(b)
	if err != nil {
		return Envelope{}, err
	}
	e := Envelope{To: to, ID: [16]byte(b[at:]), Stored: int64(binary.BigEndian.Uint64(b[at+16:])), Due: int64(binary.BigEndian.Uint64(b[at+24:]))}
	group, rest, ok := cutBytes(b[at+messageFixed:])
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

// CostToAll is what a message that costs one subscription cost counts for in the file's quota.
func CostToAll(cost int64, to uint64, plain bool) int64 {
	if !plain {
		cost += IndexCost * int64(max(1, bits.OnesCount64(to))-1)
	}
	return cost
}

// CostOf is the cost to one subscription of a stored value, and its cost to all; 0 as far as it
// cannot be read.
func CostOf(value []byte) (one, all int64) {
	e, err := ParseEnvelope(value, len(value))
	if err != nil {
		return 0, 0
	}
	return e.Cost, e.CostToAll()
}
