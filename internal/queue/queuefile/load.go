package queuefile

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"carrier/internal/queue/filecheck"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
)

// Loaded is what a file holds when it is opened.
type Loaded struct {
	// Counts is how many keys each bucket holds, Last the greatest sequence number.
	Counts record.Counts
	Last   uint64
	// Table names the subscriptions, and Slots says what each one has, by its slot; nil for slots
	// that are not in the table.
	Table []record.Subscription
	Slots [record.MaxSubscriptions]*Slot
	// Live and Dead count the messages and the dead letters, each once.
	Live, Dead record.Usage
	// UsedSlots has a bit for each slot that a record names, in the table or not.
	UsedSlots uint64
	// Unwanted is how many messages no subscription of the table waits for.
	Unwanted int
	// Damaged are messages that cannot be read.
	Damaged []Damaged
	// NextExpiry is when the first idempotency key is to be forgotten, in Unix nanoseconds; 0 is never.
	NextExpiry int64

	now   int64
	alive uint64 // the slots of the table
	// delays are the messages that are not due yet since they were given back, and ends those that
	// some subscriptions have ended, both in order.
	delays []delay
	ends   []ends
	sealed *record.Counts
}

// A Slot is what a subscription has: Schedule knows its messages, Live and Dead count them and its
// dead letters.
type Slot struct {
	Schedule   *schedule.Schedule
	Live, Dead record.Usage
	// Oldest is when the oldest message that is due was stored or became due, in Unix nanoseconds; 0
	// where there is none.
	Oldest int64
}

// Damaged is a message that cannot be read.
type Damaged struct {
	Seq     uint64
	Indexed bool
}

type delay struct {
	seq  uint64
	slot int
	due  int64
}

type ends struct {
	seq  uint64
	done uint64
}

func newLoaded() *Loaded {
	l := &Loaded{now: time.Now().UnixNano()}
	l.setTable(record.DefaultTable())
	return l
}

func (l *Loaded) setTable(table []record.Subscription) {
	l.Table, l.alive, l.Slots = table, 0, [record.MaxSubscriptions]*Slot{}
	for _, s := range table {
		l.alive |= 1 << s.Slot
		l.Slots[s.Slot] = &Slot{Schedule: schedule.New()}
	}
}

// Several says that the file holds what releases that know of no subscriptions cannot read.
func (l *Loaded) Several() bool { return l.UsedSlots|record.FirstSlot != record.FirstSlot }

// loadOrder has the states and ends before the messages that they are about.
func loadOrder() []record.Bucket {
	return []record.Bucket{
		record.Meta, record.Keys, record.Expiry, record.States, record.Ends, record.Dead, record.Quarantined,
		record.Plain, record.Indexed,
	}
}

// load reads all keys of f, and so makes sure that bbolt can. What it does not look at are bodies:
// those are checked when they are handed out. An empty file was made and not begun.
func load(f *filecheck.File) (l *Loaded, empty bool, err error) {
	l = newLoaded()
	empty, err = f.Walk(loadOrder(), func(b record.Bucket, key []byte, v filecheck.Value) error {
		l.Counts[b]++
		return l.visit(b, key, v, f.TX())
	})
	for _, s := range l.Slots {
		if s != nil {
			s.Schedule.Booted(l.Last)
		}
	}
	return l, empty, err
}

func (l *Loaded) visit(b record.Bucket, key []byte, v filecheck.Value, tx uint64) error {
	if b == record.Keys || b == record.Expiry && l.Counts[b] > 1 {
		return nil
	}
	if b == record.Meta {
		return l.meta(key, v, tx)
	}
	value, err := v.Prefix()
	if err != nil {
		return err
	}
	switch b {
	case record.Expiry:
		l.NextExpiry, _, _ = record.CutExpiryKey(key)
	case record.States:
		l.state(key, value)
	case record.Ends:
		if done, err := record.DecodeEnds(value); err == nil { // else all are handed the message again
			l.ends = append(l.ends, ends{record.Seq(key), done})
		}
	case record.Dead:
		l.dead(key, value, v.Size)
	case record.Quarantined:
		l.seen(key)
	case record.Plain, record.Indexed:
		l.message(b, key, value, v.Size)
	}
	return nil
}

func (l *Loaded) meta(key []byte, v filecheck.Value, tx uint64) error {
	value, err := v.Bytes() // many subscriptions take more than a prefix
	if err != nil {
		return err
	}
	switch string(key) {
	case record.FormatKey:
		table, err := record.DecodeTable(value)
		if err != nil {
			return fmt.Errorf("%w: format: %w", filecheck.ErrDamaged, err)
		}
		l.setTable(table)
	case record.CountsKey:
		// A carrier of an earlier version commits without them.
		if c, sealedIn, err := record.DecodeCounts(value); err == nil && sealedIn == tx {
			l.sealed = &c
		}
	}
	return nil
}

// seen returns the sequence number of key.
func (l *Loaded) seen(key []byte) uint64 {
	seq := record.Seq(key)
	l.Last = max(l.Last, seq)
	return seq
}

// state keeps the states of messages that are not due yet; the others are read when the message is
// handed out.
func (l *Loaded) state(key, value []byte) {
	seq, slot, _ := record.CutSlotKey(key)
	l.UsedSlots |= 1 << slot
	s, err := record.DecodeState(value)
	if err == nil && s.Due > l.now {
		l.delays = append(l.delays, delay{seq, slot, min(s.Due, l.now+MaxDelay.Nanoseconds())})
	}
}

// delayed says when message seq is due for the subscription of a slot, if it was given back with a
// delay that is not over.
func (l *Loaded) delayed(seq uint64, slot int) (int64, bool) {
	i, found := slices.BinarySearchFunc(l.delays, delay{seq: seq, slot: slot}, func(a, b delay) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.slot, b.slot))
	})
	if found {
		return l.delays[i].due, true
	}
	return 0, false
}

// done says which subscriptions have ended message seq.
func (l *Loaded) done(seq uint64) uint64 {
	i, found := slices.BinarySearchFunc(l.ends, seq, func(e ends, seq uint64) int { return cmp.Compare(e.seq, seq) })
	if found {
		return l.ends[i].done
	}
	return 0
}

func (l *Loaded) dead(key, value []byte, size int) {
	l.seen(key)
	_, slot, _ := record.CutSlotKey(key)
	l.UsedSlots |= 1 << slot
	cost := record.DeadLetterCost(value, size)
	l.Dead.Add(cost)
	if s := l.Slots[slot]; s != nil {
		s.Dead.Add(cost)
	}
}

// message notes a message for each subscription that waits for it.
func (l *Loaded) message(b record.Bucket, key, value []byte, size int) {
	seq := l.seen(key)
	e, err := record.ParseEnvelope(value, size)
	l.Live.Add(e.CostToAll())
	if err != nil {
		l.Damaged = append(l.Damaged, Damaged{seq, b == record.Indexed})
		return
	}
	l.UsedSlots |= e.To
	left := e.To & l.alive
	if e.To&(e.To-1) != 0 {
		left &^= l.done(seq)
	}
	if left == 0 {
		l.Unwanted++
	}
	for ; left != 0; left &= left - 1 {
		slot := bits.TrailingZeros64(left)
		l.Slots[slot].Live.Add(e.Cost)
		if since := max(e.Stored, e.Due); since <= l.now && (l.Slots[slot].Oldest == 0 || since < l.Slots[slot].Oldest) {
			l.Slots[slot].Oldest = since
		}
		if b == record.Plain {
			due, _ := l.delayed(seq, slot)
			l.Slots[slot].Schedule.FoundPlain(seq, due)
		} else {
			l.indexed(seq, slot, e)
		}
	}
}

// MaxDelay is the longest delay that a message is given back with.
const MaxDelay = 12 * time.Hour

// maxPutDelay is the longest delay a message is stored with. What says more is damaged, and is
// looked at by then.
const maxPutDelay = 24 * time.Hour

func (l *Loaded) indexed(seq uint64, slot int, e record.Envelope) {
	due, again := l.delayed(seq, slot)
	if !again {
		due = min(e.Due, l.now+maxPutDelay.Nanoseconds())
	}
	if due <= l.now {
		due = 0
	}
	l.Slots[slot].Schedule.FoundIndexed(seq, due, e.Group, again)
}

// missing says where the last commit counted other numbers than there are; nil where it did not.
func (l *Loaded) missing() error {
	if l.sealed == nil {
		return nil
	}
	var said string
	for b := range record.NumBuckets {
		if is, was := l.Counts[b], l.sealed[b]; is != was {
			said += fmt.Sprintf(", bucket %s holds %d of %d", b.Name(), is, was)
		}
	}
	if said == "" {
		return nil
	}
	return fmt.Errorf("entries are missing%s", said)
}
