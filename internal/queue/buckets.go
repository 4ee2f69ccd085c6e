package queue

import (
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// buckets are the parts of the file. Messages are keyed by sequence number, eight bytes
// big-endian, so that a new one always goes to the end.
type buckets struct {
	meta *bbolt.Bucket
	// plain holds messages without a group that were due at once. They are handed out
	// in the order of their keys, and nothing of them is kept in memory.
	plain *bbolt.Bucket
	// indexed holds those with a group or a delay, which the schedule knows one by one.
	indexed *bbolt.Bucket
	// state holds counts and due times of messages that have been handed out.
	state *bbolt.Bucket
	// keys leads from the SHA-256 of an idempotency key to a keyed; expiry orders them
	// by their end, so that old ones are found without a search.
	keys, expiry *bbolt.Bucket
	dead, aside  *bbolt.Bucket
}

const formatKey = "format"

// bucketNames lists the buckets in the order of the fields above.
func bucketNames() []string {
	return []string{"meta", "plain", "indexed", "state", "keys", "expiry", "dead", "aside"}
}

func bucketsOf(tx *bbolt.Tx) buckets {
	at := func(name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) }
	b := buckets{
		meta: at("meta"), plain: at("plain"), indexed: at("indexed"), state: at("state"),
		keys: at("keys"), expiry: at("expiry"), dead: at("dead"), aside: at("aside"),
	}
	return b
}

// appendOnly packs pages tightly where keys only ever grow: a page that is split is never
// written to again, and the half that stays empty by default would be space for nothing.
func (b buckets) appendOnly() {
	for _, bucket := range []*bbolt.Bucket{b.plain, b.indexed, b.state, b.expiry, b.dead} {
		bucket.FillPercent = 0.95
	}
}

// of is the bucket of message it.
func (b buckets) of(it *item) *bbolt.Bucket {
	if it.indexed {
		return b.indexed
	}
	return b.plain
}

// discard removes message it and its state.
func (b buckets) discard(it *item) error {
	key := seqKey(it.seq)
	if err := b.of(it).Delete(key); err != nil {
		return err
	}
	return b.state.Delete(key)
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range bucketNames() {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte("meta")).Put([]byte(formatKey), seal(make([]byte, valueHead)))
}
