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
	// Ends says of messages that several subscriptions get which of them have ended theirs. It is
	// there only while there is, or was lately, more than the subscription of slot 0: releases that
	// know of no subscriptions refuse a file with it.
	Ends
	// NumBuckets is how many there are.
	NumBuckets
)

// Name is the bucket's name in the file.
func (b Bucket) Name() string {
	return [NumBuckets]string{"meta", "plain", "indexed", "state", "keys", "expiry", "dead", "aside", "ends"}[b]
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

// Optional says that a file may be without the bucket.
func (b Bucket) Optional() bool { return b == Ends }

// HasKeysOf says whether keys of so many bytes may be in the bucket.
func (b Bucket) HasKeysOf(size int) bool {
	switch b {
	case Meta:
		return size > 0
	case Keys:
		return size == sha256.Size
	case Expiry:
		return size == expirySize
	case States, Dead:
		return size == seqSize || size == slotSize
	default:
		return size == seqSize
	}
}

// The lengths of keys in bytes.
const (
	seqSize    = 8
	slotSize   = seqSize + 1
	expirySize = 8 + sha256.Size
)

// The keys in Meta.
const (
	FormatKey = "format"
	CountsKey = "counts"
)

// MakeBuckets makes an empty queue of an empty database, for the subscriptions in table.
func MakeBuckets(tx *bbolt.Tx, table []Subscription) error {
	for b := range NumBuckets {
		if b.Optional() {
			continue
		}
		if _, err := tx.CreateBucketIfNotExists([]byte(b.Name())); err != nil {
			return err
		}
	}
	return PutTable(tx, table)
}

// PutTable writes down the subscriptions, and makes the bucket Ends where they need it.
func PutTable(tx *bbolt.Tx, table []Subscription) error {
	if !OnlyFirstSlot(table) {
		if _, err := tx.CreateBucketIfNotExists([]byte(Ends.Name())); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(Meta.Name())).Put([]byte(FormatKey), encodeTable(table))
}

// metaKeys is how many keys Meta holds after a commit.
const metaKeys = 2

// Seal writes down with tx that the buckets hold c once it is committed.
func (c *Counts) Seal(tx *bbolt.Tx) error {
	c[Meta] = metaKeys
	several := tx.Bucket([]byte(Ends.Name())) != nil
	return tx.Bucket([]byte(Meta.Name())).Put([]byte(CountsKey), c.encode(uint64(tx.ID()), several))
}

// ExpiryValue is the value of every key in Expiry, which says all there is.
func ExpiryValue() []byte { return []byte{version} }

// SeqKey is the key of the message with sequence number seq, eight bytes big-endian.
func SeqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// SlotKey is the key of what one subscription has of the message with sequence number seq: that of
// the message for slot 0, and with the slot behind it for others.
func SlotKey(seq uint64, slot int) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, slotSize), seq)
	if slot != 0 {
		b = append(b, byte(slot))
	}
	return b
}

// CutSlotKey is its opposite; false where key is no such key.
func CutSlotKey(key []byte) (seq uint64, slot int, ok bool) {
	switch {
	case len(key) == seqSize:
		return binary.BigEndian.Uint64(key), 0, true
	case len(key) == slotSize && key[seqSize] > 0 && key[seqSize] < MaxSubscriptions:
		return binary.BigEndian.Uint64(key), int(key[seqSize]), true
	default:
		return 0, 0, false
	}
}

// Seq is the sequence number that key begins with; 0 where it is no such key.
func Seq(key []byte) uint64 {
	if len(key) != seqSize && len(key) != slotSize {
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
	if len(b) != expirySize {
		return 0, key, false
	}
	return int64(binary.BigEndian.Uint64(b)), [sha256.Size]byte(b[8:]), true
}

// Counts is how many keys each bucket holds. It is rewritten with every commit.
type Counts [NumBuckets]uint64

// countsSize is the length of sealed counts of n buckets.
func countsSize(n int) int { return sealSize + 8 + 8*n }

// encode seals c for the transaction tx. Ends is left out in a file that does not have it.
func (c Counts) encode(tx uint64, several bool) []byte {
	n := int(Ends)
	if several {
		n = int(NumBuckets)
	}
	b := binary.BigEndian.AppendUint64(make([]byte, sealSize, countsSize(n)), tx)
	for _, count := range c[:n] {
		b = binary.BigEndian.AppendUint64(b, count)
	}
	return seal(b)
}

// DecodeCounts reads what Seal wrote, and the transaction that it was written in.
func DecodeCounts(b []byte) (c Counts, tx uint64, err error) {
	p, err := unseal(b)
	if err != nil {
		return c, 0, err
	}
	n := int(NumBuckets)
	if len(b) == countsSize(int(Ends)) {
		n = int(Ends)
	}
	if len(b) != countsSize(n) {
		return c, 0, fmt.Errorf("%w: no counts", ErrDamaged)
	}
	for i := range c[:n] {
		c[i] = binary.BigEndian.Uint64(p[8+8*i:])
	}
	return c, binary.BigEndian.Uint64(p), nil
}
