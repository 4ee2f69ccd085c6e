package queue

import (
	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
)

// buckets are the parts of the file, by their number.
type buckets [record.NumBuckets]*bbolt.Bucket

func bucketsOf(tx *bbolt.Tx) (b buckets) {
	for i := range b {
		b[i] = tx.Bucket([]byte(record.Bucket(i).Name()))
	}
	return b
}

// appendOnly packs pages tightly where keys only ever grow: a page that is split is never
// written to again, and the half that stays empty by default would be space for nothing.
func (b buckets) appendOnly() {
	for _, i := range []record.Bucket{record.Plain, record.Indexed, record.States, record.Expiry, record.Dead} {
		b[i].FillPercent = 0.95
	}
}

// bucketOf is the bucket of message it.
func (b buckets) bucketOf(it *schedule.Item) *bbolt.Bucket { return b[numberOf(it)] }

func numberOf(it *schedule.Item) record.Bucket {
	if it.Indexed() {
		return record.Indexed
	}
	return record.Plain
}

// A transaction is what an op sees while it writes. It counts the keys of each bucket.
type transaction struct {
	buckets
	options *Options
	now     int64 // Unix nanoseconds
	counts  record.Counts
	dead    record.Usage // of dead letters, those included that are about to be written
	keyed   int          // idempotency keys looked up
	// nextExpiry is when the next idempotency key is to be forgotten, in Unix nanoseconds; 0 is never.
	nextExpiry int64
}

// add stores a key that is known to be new.
func (t *transaction) add(b record.Bucket, key, value []byte) error {
	t.counts[b]++
	return t.buckets[b].Put(key, value)
}

// put stores a key that may be there.
func (t *transaction) put(b record.Bucket, key, value []byte) error {
	if t.buckets[b].Get(key) == nil {
		t.counts[b]++
	}
	return t.buckets[b].Put(key, value)
}

// delete removes a key that may be there.
func (t *transaction) delete(b record.Bucket, key []byte) error {
	if t.buckets[b].Get(key) == nil {
		return nil
	}
	t.counts[b]--
	return t.buckets[b].Delete(key)
}

// discard removes message it and its state.
func (t *transaction) discard(it *schedule.Item) error {
	key := record.SeqKey(it.Seq)
	if err := t.delete(numberOf(it), key); err != nil {
		return err
	}
	return t.delete(record.States, key)
}
