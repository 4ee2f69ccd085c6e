// Package store reads and changes what the queue's file holds, within one transaction of bbolt. It
// knows nothing of what is in memory, and takes no locks.
package store

import (
	"bytes"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
)

// Buckets are the parts of the file, by their number. An optional one may be nil.
type Buckets [record.NumBuckets]*bbolt.Bucket

// Of returns the buckets that tx sees.
func Of(tx *bbolt.Tx) (b Buckets) {
	for i := range b {
		b[i] = tx.Bucket([]byte(record.Bucket(i).Name()))
	}
	return b
}

// A Ref says where a message is.
type Ref struct {
	Seq     uint64
	Indexed bool
}

func (r Ref) bucket() record.Bucket {
	if r.Indexed {
		return record.Indexed
	}
	return record.Plain
}

// Message returns the value of a message; nil where it is not there. It is valid until the
// transaction ends or changes the bucket.
func (b Buckets) Message(r Ref) []byte { return b[r.bucket()].Get(record.SeqKey(r.Seq)) }

// State returns the value of what is kept of a subscription's hand-outs of message seq; nil where
// there is none.
func (b Buckets) State(seq uint64, slot int) []byte {
	return b[record.States].Get(record.SlotKey(seq, slot))
}

// Done says which subscriptions have ended message seq, of those that leave it to others. An error
// means that this is not known, and taken for none.
func (b Buckets) Done(seq uint64) (uint64, error) {
	if b[record.Ends] == nil {
		return 0, nil
	}
	v := b[record.Ends].Get(record.SeqKey(seq))
	if v == nil {
		return 0, nil
	}
	return record.DecodeEnds(v)
}

// A Tx changes the file. It counts the keys of each bucket.
type Tx struct {
	Buckets
	// Now is the time, in Unix nanoseconds.
	Now int64
	// Alive are the subscriptions that messages are kept for, a bit for each slot.
	Alive uint64
	// Report is told of what was found to be damaged and taken for absent.
	Report func(error)
	Counts record.Counts
	// NextExpiry is when the next idempotency key is to be forgotten, in Unix nanoseconds; 0 is never.
	NextExpiry int64

	tx    *bbolt.Tx
	keyed int // idempotency keys looked up
}

// Begin makes t change what tx sees. Pages are packed tightly where keys only ever grow: a page
// that is split is never written to again, and the half that stays empty by default would be space
// for nothing.
func (t *Tx) Begin(tx *bbolt.Tx) {
	t.tx = tx
	t.Buckets = Of(tx)
	for _, i := range []record.Bucket{record.Plain, record.Indexed, record.States, record.Expiry, record.Dead, record.Ends} {
		if t.Buckets[i] != nil {
			t.Buckets[i].FillPercent = 0.95
		}
	}
}

// End forgets idempotency keys whose time is over, and seals how many keys there are. The caller
// commits after it.
func (t *Tx) End() error {
	if err := t.forgetKeys(); err != nil {
		return err
	}
	return t.Counts.Seal(t.tx)
}

// SetTable writes down the subscriptions.
func (t *Tx) SetTable(table []record.Subscription) error {
	if err := record.PutTable(t.tx, table); err != nil {
		return err
	}
	t.Begin(t.tx)
	return nil
}

// Add stores a message whose number is new.
func (t *Tx) Add(r Ref, value []byte) error {
	t.Counts[r.bucket()]++
	return t.Buckets[r.bucket()].Put(record.SeqKey(r.Seq), value)
}

// SetState stores what is known of a subscription's hand-outs of message seq.
func (t *Tx) SetState(seq uint64, slot int, s record.State) error {
	return t.put(record.States, record.SlotKey(seq, slot), s.Encode())
}

// put stores a key that may be there.
func (t *Tx) put(b record.Bucket, key, value []byte) error {
	if t.Buckets[b].Get(key) == nil {
		t.Counts[b]++
	}
	return t.Buckets[b].Put(key, value)
}

// delete removes a key that may be there.
func (t *Tx) delete(b record.Bucket, key []byte) error {
	if t.Buckets[b] == nil || t.Buckets[b].Get(key) == nil {
		return nil
	}
	t.Counts[b]--
	return t.Buckets[b].Delete(key)
}

// done is Done, where a damaged entry is reported.
func (t *Tx) done(seq uint64) uint64 {
	done, err := t.Done(seq)
	if err != nil {
		t.Report(err)
	}
	return done
}

// A Gone says which messages left the file altogether, and what they counted for in its quota.
type Gone = record.Usage

// Settle ends message r for the subscription of a slot. The message goes when the last one that
// waits for it has ended it.
func (t *Tx) Settle(r Ref, slot int) (gone Gone, err error) {
	if err := t.delete(record.States, record.SlotKey(r.Seq, slot)); err != nil {
		return gone, err
	}
	value := t.Message(r)
	if value == nil {
		return gone, nil // it was quarantined meanwhile
	}
	to := record.To(value)
	if others := to & t.Alive &^ (1 << slot); others != 0 {
		done := t.done(r.Seq) | 1<<slot
		if others&^done != 0 {
			return gone, t.put(record.Ends, record.SeqKey(r.Seq), record.EncodeEnds(done))
		}
	}
	return t.remove(r, value)
}

// remove removes message r, whose value is given.
func (t *Tx) remove(r Ref, value []byte) (gone Gone, err error) {
	_, cost := record.CostOf(value)
	gone.Add(cost)
	key := record.SeqKey(r.Seq)
	if to := record.To(value); to&(to-1) != 0 {
		if err := t.delete(record.Ends, key); err != nil {
			return gone, err
		}
	}
	return gone, t.delete(r.bucket(), key)
}

// DeadLetter settles message r for the subscription of a slot, and keeps a copy of it among the
// dead letters.
func (t *Tx) DeadLetter(r Ref, slot int, why record.Reason) (Gone, error) {
	value := bytes.Clone(t.Message(r))
	if value == nil {
		return t.Settle(r, slot)
	}
	letter := record.EncodeDeadLetter(why, time.Unix(0, t.Now), record.ForFirstSlot(value))
	if err := t.put(record.Dead, record.SlotKey(r.Seq, slot), letter); err != nil {
		return Gone{}, err
	}
	return t.Settle(r, slot)
}

// A Quarantined message left the file for all subscriptions.
type Quarantined struct {
	Gone Gone
	// Waited are the subscriptions that waited for it, a bit for each slot, as far as the message
	// says it still, and Cost is what it cost each of them.
	Waited uint64
	Cost   int64
}

// Quarantine moves the damaged message r to where it is not handed out to any subscription. Where
// that was done before it does nothing.
func (t *Tx) Quarantine(r Ref) (q Quarantined, err error) {
	value := bytes.Clone(t.Message(r))
	if value == nil {
		return q, nil
	}
	key := record.SeqKey(r.Seq)
	one, all := record.CostOf(value)
	q = Quarantined{Waited: record.To(value) &^ t.done(r.Seq), Cost: one}
	q.Gone.Add(all)
	for _, key := range t.statesOf(r.Seq) {
		if err := t.delete(record.States, key); err != nil {
			return q, err
		}
	}
	if err := t.delete(record.Ends, key); err != nil {
		return q, err
	}
	if err := t.put(record.Quarantined, key, value); err != nil {
		return q, err
	}
	return q, t.delete(r.bucket(), key)
}

// statesOf returns the keys of all states of message seq.
func (t *Tx) statesOf(seq uint64) (keys [][]byte) {
	c := t.Buckets[record.States].Cursor()
	for k, _ := c.Seek(record.SeqKey(seq)); k != nil && record.Seq(k) == seq; k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}

// EachMessage calls visit with the messages after a number, in their order, until it returns false.
func (b Buckets) EachMessage(after uint64, visit func(r Ref, value []byte) bool) {
	plain, indexed := b[record.Plain].Cursor(), b[record.Indexed].Cursor()
	first := record.SeqKey(after + 1)
	pk, pv := plain.Seek(first)
	ik, iv := indexed.Seek(first)
	for pk != nil || ik != nil {
		if ik == nil || pk != nil && record.Seq(pk) < record.Seq(ik) {
			if !visit(Ref{Seq: record.Seq(pk)}, pv) {
				return
			}
			pk, pv = plain.Next()
			continue
		}
		if !visit(Ref{Seq: record.Seq(ik), Indexed: true}, iv) {
			return
		}
		ik, iv = indexed.Next()
	}
}

// Waiting has the bits of the subscriptions that message r, whose value is given, is kept for still.
func (b Buckets) Waiting(r Ref, value []byte) uint64 {
	to := record.To(value)
	if to&(to-1) != 0 {
		done, _ := b.Done(r.Seq)
		to &^= done
	}
	return to
}
