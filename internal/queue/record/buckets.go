package record

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// A Bucket is one part of the file.
type Bucket int

// The buckets. Messages are keyed by sequence number, so that a new one always goes to the end.
const (
	// Meta holds the format and the sealed counts.
	Meta Bucket = iota
	// Plain holds messages without a group that were due at once. They are handed out in the
	// order of their keys, and nothing of them is kept in memory.
	Plain
	// Indexed holds messages with a group or a delay, which the schedule knows one by one.
	Indexed
	// States holds counts and due times of messages that have been handed out.
	States
	// Keys leads from the SHA-256 of an idempotency key to a Key.
	Keys
	// Expiry orders keys by their end, so that old ones are found without a search.
	Expiry
	// Dead holds dead letters.
	Dead
	// Quarantined holds damaged messages as they were found.
	Quarantined
	// NumBuckets is how many there are.
	NumBuckets
)

// Name is the bucket's name in the file.
func (b Bucket) Name() string {
	return [NumBuckets]string{"meta", "plain", "indexed", "state", "keys", "expiry", "dead", "aside"}[b]
}

// BucketNamed finds a bucket by its name in the file.
func BucketNamed(name []byte) (Bucket, bool) {
	for b := range NumBuckets {
		if string(name) == b.Name() {
			return b, true
		}
	}
	return 0, false
}

// KeySize is the length of the bucket's keys in bytes; 0 where they differ.
func (b Bucket) KeySize() int {
	switch b {
	case Meta:
		return 0
	case Keys:
		return sha256.Size
	case Expiry:
		return 8 + sha256.Size
	default:
		return 8
	}
}

// The keys in Meta.
const (
	FormatKey = "format"
	CountsKey = "counts"
)

// MakeBuckets makes an empty queue of an empty database.
func MakeBuckets(tx *bbolt.Tx) error {
	for b := range NumBuckets {
		if _, err := tx.CreateBucketIfNotExists([]byte(b.Name())); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(Meta.Name())).Put([]byte(FormatKey), seal(make([]byte, sealSize)))
}

// metaKeys is how many keys Meta holds after a commit.
const metaKeys = 2

// Seal writes down with tx that the buckets hold c once it is committed.
func (c *Counts) Seal(tx *bbolt.Tx) error {
	c[Meta] = metaKeys
	return tx.Bucket([]byte(Meta.Name())).Put([]byte(CountsKey), c.encode(uint64(tx.ID())))
}

// ExpiryValue is the value of every key in Expiry, which says all there is.
func ExpiryValue() []byte { return []byte{version} }

// SeqKey is the key of the message with sequence number seq, eight bytes big-endian.
func SeqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// Seq is the sequence number in key; 0 where it is no such key.
func Seq(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

// ExpiryKey is the key in Expiry of an idempotency key that is forgotten at expires, which is in
// Unix nanoseconds.
func ExpiryKey(expires int64, key [sha256.Size]byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(expires)), key[:]...)
}

// CutExpiryKey is its opposite.
func CutExpiryKey(b []byte) (expires int64, key [sha256.Size]byte, ok bool) {
	if len(b) != Expiry.KeySize() {
		return 0, key, false
	}
	return int64(binary.BigEndian.Uint64(b)), [sha256.Size]byte(b[8:]), true
}

// Counts is how many keys each bucket holds. It is rewritten with every commit.
type Counts [NumBuckets]uint64

const countsSize = sealSize + 8 + 8*int(NumBuckets)

// encode seals c for the transaction tx.
func (c Counts) encode(tx uint64) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, sealSize, countsSize), tx)
	for _, n := range c {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return seal(b)
}

// DecodeCounts reads what Seal wrote, and the transaction that it was written in.
func DecodeCounts(b []byte) (c Counts, tx uint64, err error) {
	p, err := unseal(b)
	if err != nil {
		return c, 0, err
	}
	if len(p) != countsSize-sealSize {
		return c, 0, fmt.Errorf("%w: no counts", ErrDamaged)
	}
	for i := range c {
		c[i] = binary.BigEndian.Uint64(p[8+8*i:])
	}
	return c, binary.BigEndian.Uint64(p), nil
}
