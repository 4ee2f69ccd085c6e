package store

import (
	"bytes"
	"cmp"
	"encoding/hex"

	"carrier/internal/queue/record"
)

// A DeadKey names one dead letter for as long as it is one: the number that its message had, and the
// slot of its subscription.
type DeadKey struct {
	Seq  uint64
	Slot int
}

// String is the key in hexadecimal digits, and ParseDeadKey its opposite; false where text is none.
func (k DeadKey) String() string { return hex.EncodeToString(record.SlotKey(k.Seq, k.Slot)) }

// ParseDeadKey is the opposite of DeadKey.String; false where text is none.
func ParseDeadKey(text string) (k DeadKey, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return k, false
	}
	k.Seq, k.Slot, ok = record.CutSlotKey(b)
	return k, ok
}

// Compare orders keys as they are in the file, which is the order in which their messages were put.
func (k DeadKey) Compare(o DeadKey) int {
	return cmp.Or(cmp.Compare(k.Seq, o.Seq), cmp.Compare(k.Slot, o.Slot))
}

// DeadValue returns the value of a dead letter; nil where there is none. It is valid until the
// transaction ends or changes the bucket.
func (b Buckets) DeadValue(k DeadKey) []byte {
	return b[record.Dead].Get(record.SlotKey(k.Seq, k.Slot))
}

// EachDeadLetter calls visit with the dead letters after a key, in their order, until it returns
// false. The zero key is before all.
func (b Buckets) EachDeadLetter(after DeadKey, visit func(k DeadKey, value []byte) bool) {
	c := b[record.Dead].Cursor()
	last := record.SlotKey(after.Seq, after.Slot)
	for key, value := c.Seek(last); key != nil; key, value = c.Next() {
		seq, slot, ok := record.CutSlotKey(key)
		if !ok || bytes.Equal(key, last) {
			continue
		}
		if !visit(DeadKey{seq, slot}, value) {
			return
		}
	}
}

// RemoveDead removes a dead letter that may be there, and says what it cost.
func (t *Tx) RemoveDead(k DeadKey) (size int64, found bool, err error) {
	v := t.DeadValue(k)
	if v == nil {
		return 0, false, nil
	}
	return record.DeadLetterCost(v, len(v)), true, t.delete(record.Dead, record.SlotKey(k.Seq, k.Slot))
}
