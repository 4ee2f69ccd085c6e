package queue

import (
	"crypto/sha256"
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

// A state is what is kept of a message that has been handed out: how often, and how many of
// these hand-outs ended without a failed attempt.
type state struct {
	count, deferrals int32
	first, due       int64
	// open means that the last hand-out has no outcome yet.
	open bool
}

// Values of stateSizeV1 have neither deferrals nor open; they read as 0 and false.
const (
	stateSizeV1 = valueHead + 4 + 8 + 8
	stateSize   = stateSizeV1 + 4 + 1
)

func (s state) encode() []byte {
	b := make([]byte, valueHead, stateSize)
	b = binary.BigEndian.AppendUint32(b, uint32(s.count))
	b = binary.BigEndian.AppendUint64(b, uint64(s.first))
	b = binary.BigEndian.AppendUint64(b, uint64(s.due))
	b = binary.BigEndian.AppendUint32(b, uint32(s.deferrals))
	if s.open {
		return seal(append(b, 1))
	}
	return seal(append(b, 0))
}

func decodeState(b []byte) (state, error) {
	p, err := unseal(b)
	if err != nil {
		return state{}, err
	}
	if len(p) != stateSize-valueHead && len(p) != stateSizeV1-valueHead {
		return state{}, fmt.Errorf("%w: no state", errValue)
	}
	s := state{
		count: int32(min(binary.BigEndian.Uint32(p), math.MaxInt32)),
		first: int64(binary.BigEndian.Uint64(p[4:])),
		due:   int64(binary.BigEndian.Uint64(p[12:])),
	}
	if len(p) == stateSize-valueHead {
		s.deferrals = int32(min(binary.BigEndian.Uint32(p[20:]), math.MaxInt32))
		s.open = p[24] == 1
	}
	return s, nil
}

// A keyed is what an idempotency key stands for.
type keyed struct {
	id      [16]byte
	expires int64
	// digest is the SHA-256 of the body, if digested.
	digest   [sha256.Size]byte
	digested bool
}

// matches says whether a body with digest may be the one that was stored. Keys of the first
// format have no digest, and match every body.
func (k keyed) matches(digest [sha256.Size]byte) bool { return !k.digested || k.digest == digest }

const (
	keyedSizeV1 = valueHead + 16 + 8
	keyedSize   = keyedSizeV1 + sha256.Size
)

func (k keyed) encode() []byte {
	b := append(make([]byte, valueHead, keyedSize), k.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(k.expires))
	if k.digested {
		b = append(b, k.digest[:]...)
	}
	return seal(b)
}

func decodeKeyed(b []byte) (keyed, error) {
	p, err := unseal(b)
	if err != nil {
		return keyed{}, err
	}
	if len(p) != keyedSize-valueHead && len(p) != keyedSizeV1-valueHead {
		return keyed{}, fmt.Errorf("%w: no key", errValue)
	}
	k := keyed{id: [16]byte(p), expires: int64(binary.BigEndian.Uint64(p[16:]))}
	if len(p) == keyedSize-valueHead {
		k.digest, k.digested = [sha256.Size]byte(p[24:]), true
	}
	return k, nil
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
