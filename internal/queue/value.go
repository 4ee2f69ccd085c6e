package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Every value in the file begins with the CRC-32C of the rest, and a version:
// the file itself keeps checksums of its two meta pages only.
const (
	valueVersion = 1
	valueHead    = 5
)

// errValue means that a value is not as it was written.
var errValue = errors.New("damaged value")

// seal fills in the first five bytes of b.
func seal(b []byte) []byte {
	b[4] = valueVersion
	binary.BigEndian.PutUint32(b, checksum(b[4:]))
	return b
}

// unseal returns what seal was given, less the five bytes.
func unseal(b []byte) ([]byte, error) {
	if len(b) < valueHead {
		return nil, fmt.Errorf("%w: %d bytes", errValue, len(b))
	}
	if binary.BigEndian.Uint32(b) != checksum(b[4:]) {
		return nil, fmt.Errorf("%w: checksum", errValue)
	}
	if b[4] != valueVersion {
		return nil, fmt.Errorf("%w: version %d", errValue, b[4])
	}
	return b[valueHead:], nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// A record is one stored message. Its times are Unix nanoseconds; due is 0 for at once.
type record struct {
	id          [16]byte
	stored, due int64
	group       string
	head, body  []byte
}

const recordFixed = valueHead + 16 + 8 + 8

func (r *record) encode() []byte {
	size := recordFixed + 2*binary.MaxVarintLen32 + len(r.group) + len(r.head) + len(r.body)
	b := make([]byte, valueHead, size)
	b = append(b, r.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.stored))
	b = binary.BigEndian.AppendUint64(b, uint64(r.due))
	b = appendBytes(b, []byte(r.group))
	b = appendBytes(b, r.head)
	b = append(b, r.body...)
	return seal(b)
}

// decodeRecord checks b and reads it. The record's slices are parts of b.
func decodeRecord(b []byte) (record, error) {
	if _, err := unseal(b); err != nil {
		return record{}, err
	}
	return parseRecord(b)
}

// parseRecord reads b without its checksum, for the start, which reads no bodies.
func parseRecord(b []byte) (record, error) {
	if len(b) < recordFixed || b[4] != valueVersion {
		return record{}, fmt.Errorf("%w: no message", errValue)
	}
	r := record{
		id:     [16]byte(b[valueHead:]),
		stored: int64(binary.BigEndian.Uint64(b[21:])),
		due:    int64(binary.BigEndian.Uint64(b[29:])),
	}
	group, rest, ok := cutBytes(b[recordFixed:])
	if !ok {
		return record{}, fmt.Errorf("%w: group", errValue)
	}
	head, body, ok := cutBytes(rest)
	if !ok {
		return record{}, fmt.Errorf("%w: head", errValue)
	}
	r.group, r.head, r.body = string(group), head, body
	return r, nil
}

// freeHead is how much of a message's group and head costs nothing.
const freeHead = 1 << 10

func cost(group string, head, body []byte) int64 {
	return int64(len(body)) + max(0, int64(len(group)+len(head)-freeHead))
}

// costOf is the cost of a stored value, as far as it can be read.
func costOf(value []byte) int64 {
	r, err := parseRecord(value)
	if err != nil {
		return 0
	}
	return cost(r.group, r.head, r.body)
}

// A state is what is kept of a message that has been handed out.
type state struct {
	count      int32
	first, due int64
}

const stateSize = valueHead + 4 + 8 + 8

func (s state) encode() []byte {
	b := make([]byte, valueHead, stateSize)
	b = binary.BigEndian.AppendUint32(b, uint32(s.count))
	b = binary.BigEndian.AppendUint64(b, uint64(s.first))
	b = binary.BigEndian.AppendUint64(b, uint64(s.due))
	return seal(b)
}

func decodeState(b []byte) (state, error) {
	p, err := unseal(b)
	if err != nil {
		return state{}, err
	}
	if len(p) != stateSize-valueHead {
		return state{}, fmt.Errorf("%w: no state", errValue)
	}
	return state{
		count: int32(min(binary.BigEndian.Uint32(p), math.MaxInt32)),
		first: int64(binary.BigEndian.Uint64(p[4:])),
		due:   int64(binary.BigEndian.Uint64(p[12:])),
	}, nil
}

// A keyed is what an idempotency key stands for.
type keyed struct {
	id      [16]byte
	expires int64
}

const keyedSize = valueHead + 16 + 8

func (k keyed) encode() []byte {
	b := append(make([]byte, valueHead, keyedSize), k.id[:]...)
	return seal(binary.BigEndian.AppendUint64(b, uint64(k.expires)))
}

func decodeKeyed(b []byte) (keyed, error) {
	p, err := unseal(b)
	if err != nil {
		return keyed{}, err
	}
	if len(p) != keyedSize-valueHead {
		return keyed{}, fmt.Errorf("%w: no key", errValue)
	}
	return keyed{id: [16]byte(p), expires: int64(binary.BigEndian.Uint64(p[16:]))}, nil
}

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutBytes(b []byte) (s, rest []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, false
	}
	return b[w : w+int(n)], b[w+int(n):], true
}

func cutNumber(b []byte) (n int, rest []byte, ok bool) {
	v, w := binary.Uvarint(b)
	if w <= 0 || v > math.MaxInt32 {
		return 0, nil, false
	}
	return int(v), b[w:], true
}
