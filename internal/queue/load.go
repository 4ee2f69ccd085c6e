package queue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// loaded is what a file holds when it is opened.
type loaded struct {
	tx         int   // the transaction it was learnt in; 0 is an empty file
	size       int64 // of the file, in pages that are or were in use
	last       uint64
	schedule   schedule
	live, dead usage
	aside      int
	damaged    []waitingSize
	now        time.Time
}

type waitingSize struct {
	seq  uint64
	size int64
}

// loadAll visits every page and every key of db. What it does not look at are the middles
// of bodies: those are checked when they are handed out.
func loadAll(db *bbolt.DB) (l loaded, err error) {
	l = loaded{schedule: newSchedule(), now: time.Now()}
	err = contained(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if k, _ := tx.Cursor().First(); k == nil {
				return nil // made, and not begun
			}
			l.tx, l.size = tx.ID(), tx.Size()
			return l.load(tx)
		})
	})
	if err != nil {
		return l, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return l, nil
}

func (l *loaded) load(tx *bbolt.Tx) error {
	for _, name := range bucketNames() {
		if tx.Bucket([]byte(name)) == nil {
			return fmt.Errorf("no bucket %s", name)
		}
	}
	b := bucketsOf(tx)
	if _, err := unseal(b.meta.Get([]byte(formatKey))); err != nil {
		return fmt.Errorf("format: %w", err)
	}
	none := func([]byte, []byte) {}
	dues := make(map[uint64]state)
	for _, part := range []struct {
		bucket *bbolt.Bucket
		visit  func(k, v []byte)
	}{
		{b.meta, none}, {b.keys, none}, {b.expiry, none},
		{b.state, func(k, v []byte) { l.due(dues, k, v) }},
		{b.dead, func(k, v []byte) { l.dead.add(deadCost(v)); l.seen(k) }},
		{b.aside, func(k, _ []byte) { l.aside++; l.seen(k) }},
		{b.plain, func(k, v []byte) { l.plain(dues, l.seen(k), v) }},
		{b.indexed, func(k, v []byte) { l.indexed(dues, l.seen(k), v) }},
	} {
		if err := l.each(part.bucket, part.visit); err != nil {
			return err
		}
	}
	l.schedule.boot = l.last
	return nil
}

// each visits the pairs of b in order, and touches both ends of every value: one that
// lies outside the file is a fault here, where it is contained, and not later.
func (l *loaded) each(b *bbolt.Bucket, visit func(k, v []byte)) error {
	var before []byte
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if before != nil && bytes.Compare(before, k) >= 0 {
			return fmt.Errorf("keys are out of order")
		}
		if int64(len(v)) > l.size {
			return fmt.Errorf("a value of %d bytes in a file of %d", len(v), l.size)
		}
		if len(v) > 0 {
			_ = v[0] ^ v[len(v)-1]
		}
		visit(k, v)
		before = append(before[:0], k...)
	}
	return nil
}

// seen returns the sequence number of key k.
func (l *loaded) seen(k []byte) uint64 {
	if len(k) != 8 {
		return 0
	}
	seq := binary.BigEndian.Uint64(k)
	l.last = max(l.last, seq)
	return seq
}

// due keeps the states of messages that are not due yet; the others are read when the
// message is handed out.
func (l *loaded) due(dues map[uint64]state, k, v []byte) {
	s, err := decodeState(v)
	if err == nil && s.due > l.now.UnixNano() {
		dues[l.seen(k)] = s
	}
}

func (l *loaded) plain(dues map[uint64]state, seq uint64, v []byte) {
	l.live.add(costOf(v))
	l.schedule.last = max(l.schedule.last, seq)
	if s, delayed := dues[seq]; delayed {
		l.schedule.parked[seq] = struct{}{}
		l.schedule.put(&item{seq: seq, due: s.due, count: s.count, first: s.first, known: true})
	}
}

func (l *loaded) indexed(dues map[uint64]state, seq uint64, v []byte) {
	r, err := parseRecord(v)
	l.live.add(costOf(v))
	if err != nil {
		l.damaged = append(l.damaged, waitingSize{seq, 0})
		return
	}
	due := r.due
	if s, delayed := dues[seq]; delayed {
		due = s.due
	}
	if due <= l.now.UnixNano() {
		due = 0
	}
	l.schedule.addIndexed(seq, due, r.group)
}

// deadCost is what the dead letter in value v costs.
func deadCost(v []byte) int64 {
	_, _, value, err := parseDead(v)
	if err != nil {
		return 0
	}
	return costOf(value)
}
