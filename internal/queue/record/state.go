package record

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
)

// A State is what is kept of a message that has been handed out. Its times are Unix nanoseconds.
type State struct {
	// Count is how often it was handed out, Deferrals how many of these hand-outs ended
	// without a failed attempt.
	Count, Deferrals int32
	// First is the first hand-out; Due is when it is due again, 0 for at once.
	First, Due int64
	// Open means that the last hand-out has no outcome yet.
	Open bool
}

// Values of the first format have neither deferrals nor open; they read as 0 and false.
const (
	stateSizeV1 = sealSize + 4 + 8 + 8
	// StateSize is the length of an encoded state.
	StateSize = stateSizeV1 + 4 + 1
)

// Encode returns s as a value.
func (s State) Encode() []byte {
	b := make([]byte, sealSize, StateSize)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Count))
	b = binary.BigEndian.AppendUint64(b, uint64(s.First))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Due))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Deferrals))
	if s.Open {
		return seal(append(b, 1))
	}
	return seal(append(b, 0))
}

// DecodeState checks b and reads it.
func DecodeState(b []byte) (State, error) {
	p, err := unseal(b)
	if err != nil {
		return State{}, err
	}
	if len(p) != StateSize-sealSize && len(p) != stateSizeV1-sealSize {
		return State{}, fmt.Errorf("%w: no state", ErrDamaged)
	}
	s := State{
		Count: int32(min(binary.BigEndian.Uint32(p), math.MaxInt32)),
		First: int64(binary.BigEndian.Uint64(p[4:])),
		Due:   int64(binary.BigEndian.Uint64(p[12:])),
	}
	if len(p) == StateSize-sealSize {
		s.Deferrals = int32(min(binary.BigEndian.Uint32(p[20:]), math.MaxInt32))
		s.Open = p[24] == 1
	}
	return s, nil
}

// A Key is what an idempotency key stands for.
type Key struct {
	// ID is that of the message.
	ID [16]byte
	// Expires is when the key is forgotten, in Unix nanoseconds.
	Expires int64
	// Digest is the SHA-256 of the body, if Digested.
	Digest   [sha256.Size]byte
	Digested bool
}

// Matches says whether a body with digest may be the one that was stored. Keys of the first
// format have no digest, and match every body.
func (k Key) Matches(digest [sha256.Size]byte) bool { return !k.Digested || k.Digest == digest }

const (
	keySizeV1 = sealSize + 16 + 8
	keySize   = keySizeV1 + sha256.Size
)

// Encode returns k as a value.
func (k Key) Encode() []byte {
	b := append(make([]byte, sealSize, keySize), k.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(k.Expires))
	if k.Digested {
		b = append(b, k.Digest[:]...)
	}
	return seal(b)
}

// DecodeKey checks b and reads it.
func DecodeKey(b []byte) (Key, error) {
	p, err := unseal(b)
	if err != nil {
		return Key{}, err
	}
	if len(p) != keySize-sealSize && len(p) != keySizeV1-sealSize {
		return Key{}, fmt.Errorf("%w: no key", ErrDamaged)
	}
	k := Key{ID: [16]byte(p), Expires: int64(binary.BigEndian.Uint64(p[16:]))}
	if len(p) == keySize-sealSize {
		k.Digest, k.Digested = [sha256.Size]byte(p[24:]), true
	}
	return k, nil
}
