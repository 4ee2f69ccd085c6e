package store

import (
	"bytes"

	"carrier/internal/queue/record"
)

// DropOldestDead removes the dead letter that was put first, and says whose it was and what it
// cost.
func (t *Tx) DropOldestDead() (slot int, size int64, found bool, err error) {
	k, v := t.Buckets[record.Dead].Cursor().First()
	if k == nil {
		return 0, 0, false, nil
	}
	_, slot, _ = record.CutSlotKey(k)
	return slot, record.DeadLetterCost(v, len(v)), true, t.delete(record.Dead, bytes.Clone(k))
}

// A Sweep goes through buckets, a bounded number of keys at a time, and removes what is to go.
type Sweep struct {
	// Slot is the subscription whose states and dead letters are removed.
	Slot int
	// Gone are messages that were removed since no living subscription waits for them, Damaged those
	// of them that were quarantined instead, and Dead the dead letters that were removed.
	Gone, Damaged, Dead record.Usage

	buckets []record.Bucket // those that are still to be gone through
	next    []byte          // the key to go on with in the first of them; nil is its first one
}

// NewSweep returns a sweep that removes all that there is of the subscription of a slot that lives
// no more.
func NewSweep(slot int) *Sweep {
	return &Sweep{Slot: slot, buckets: []record.Bucket{record.Plain, record.Indexed, record.States, record.Dead}}
}

// NewDeadSweep returns a sweep that removes the dead letters of the subscription of a slot.
func NewDeadSweep(slot int) *Sweep { return &Sweep{Slot: slot, buckets: []record.Bucket{record.Dead}} }

// Rest is the sweep that goes on where s has come to; nil where that is the end.
func (s *Sweep) Rest() *Sweep {
	if len(s.buckets) == 0 {
		return nil
	}
	return &Sweep{Slot: s.Slot, buckets: s.buckets, next: s.next}
}

// Run looks at up to limit keys.
func (s *Sweep) Run(t *Tx, limit int) error {
	for limit > 0 && len(s.buckets) > 0 {
		var going [][]byte
		c := t.Buckets[s.buckets[0]].Cursor()
		k, v := c.Seek(s.next)
		for ; k != nil && limit > 0; k, v = c.Next() {
			limit--
			if s.goes(t, k, v) {
				going = append(going, bytes.Clone(k))
			}
		}
		s.next = bytes.Clone(k)
		for _, k := range going {
			if err := s.remove(t, k); err != nil {
				return err
			}
		}
		if k == nil {
			s.buckets, s.next = s.buckets[1:], nil
		}
	}
	return nil
}

// goes says whether the key k with value v of the current bucket is to go.
func (s *Sweep) goes(t *Tx, k, v []byte) bool {
	switch s.buckets[0] {
	case record.Plain, record.Indexed:
		to := record.To(v)
		left := to & t.Alive
		if left != 0 && to&(to-1) != 0 {
			left &^= t.done(record.Seq(k))
		}
		return to != 0 && left == 0
	default:
		_, slot, ok := record.CutSlotKey(k)
		return ok && slot == s.Slot
	}
}

func (s *Sweep) remove(t *Tx, k []byte) error {
	b := s.buckets[0]
	switch b {
	case record.Plain, record.Indexed:
		return s.removeMessage(t, Ref{Seq: record.Seq(k), Indexed: b == record.Indexed})
	case record.Dead:
		v := t.Buckets[b].Get(k)
		s.Dead.Add(record.DeadLetterCost(v, len(v)))
	}
	return t.delete(b, k)
}

// removeMessage removes a message that nobody waits for, or quarantines it if it is damaged: then
// it may be that it only seems so.
func (s *Sweep) removeMessage(t *Tx, r Ref) error {
	value := t.Message(r)
	if _, err := record.DecodeMessage(value); err != nil {
		q, err := t.Quarantine(r)
		s.Damaged.Put(q.Gone)
		return err
	}
	gone, err := t.remove(r, value)
	s.Gone.Put(gone)
	return err
}

// Pending goes through the plain messages from after the number from up to the number to, at most
// limit of them, and returns up to most that the subscription of a slot waits for. It has come to
// the number until; whole says that none is left up to the number to.
func (b Buckets) Pending(from, to uint64, slot, most, limit int) (seqs []uint64, until uint64, whole bool) {
	c := b[record.Plain].Cursor()
	until = from
	k, v := c.Seek(record.SeqKey(from + 1))
	for ; k != nil && record.Seq(k) <= to && len(seqs) < most && limit > 0; k, v = c.Next() {
		limit--
		until = record.Seq(k)
		if b.waits(until, slot, v) {
			seqs = append(seqs, until)
		}
	}
	return seqs, until, k == nil || record.Seq(k) > to
}

// waits says whether the subscription of a slot waits for message seq, whose value is v. One that
// cannot be read is waited for, so that it is found out.
func (b Buckets) waits(seq uint64, slot int, v []byte) bool {
	to := record.To(v)
	if to == 0 || to == 1<<slot {
		return true
	}
	if to&(1<<slot) == 0 {
		return false
	}
	done, _ := b.Done(seq)
	return done&(1<<slot) == 0
}

// FirstPending is the number of the first message of a bucket, from the number from on, that the
// subscription of a slot waits for and want says yes to, with its envelope; found is false where
// there is none among limit of them. Until is the first number that may be one: those before it
// are not waited for and never will be.
func (b Buckets) FirstPending(in record.Bucket, from uint64, slot, limit int, want func(record.Envelope) bool) (e record.Envelope, until uint64, found bool) {
	c := b[in].Cursor()
	until = from
	passed := true // nothing is waited for so far
	for k, v := c.Seek(record.SeqKey(from)); k != nil && limit > 0; k, v = c.Next() {
		limit--
		seq := record.Seq(k)
		if !b.waits(seq, slot, v) {
			if passed {
				until = seq + 1
			}
			continue
		}
		passed = false
		if e, err := record.ParseEnvelope(v, len(v)); err == nil && want(e) {
			return e, until, true
		}
	}
	return e, until, false
}
