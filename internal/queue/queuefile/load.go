package queuefile

import (
	"fmt"
	"sort"
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
	// Schedule knows the messages, and Live and Dead count them and the dead letters.
	Schedule   *schedule.Schedule
	Live, Dead record.Usage
	// Damaged are indexed messages that cannot be read, by sequence number.
	Damaged []uint64
	// NextExpiry is when the first idempotency key is to be forgotten, in Unix nanoseconds; 0 is never.
	NextExpiry int64

	now int64
	// delays are the messages that are not due yet since they were given back, in order.
	delays []delay
	sealed *record.Counts
}

type delay struct {
	seq uint64
	due int64
}

func newLoaded() *Loaded {
	return &Loaded{Schedule: schedule.New(), now: time.Now().UnixNano()}
}

// loadOrder has the states before the messages that they are about.
func loadOrder() []record.Bucket {
	return []record.Bucket{
		record.Meta, record.Keys, record.Expiry, record.States, record.Dead, record.Quarantined,
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
	l.Schedule.Booted(l.Last)
	return l, empty, err
}

func (l *Loaded) visit(b record.Bucket, key []byte, v filecheck.Value, tx uint64) error {
	if b == record.Keys || b == record.Expiry && l.Counts[b] > 1 {
		return nil
	}
	value, err := v.Prefix()
	if err != nil {
		return err
	}
	switch b {
	case record.Meta:
		return l.meta(key, value, tx)
	case record.Expiry:
		l.NextExpiry, _, _ = record.CutExpiryKey(key)
	case record.States:
		l.state(key, value)
	case record.Dead:
		l.seen(key)
		l.Dead.Add(record.DeadLetterCost(value, v.Size))
	case record.Quarantined:
		l.seen(key)
	case record.Plain:
		l.plain(key, value, v.Size)
	case record.Indexed:
		l.indexed(key, value, v.Size)
	}
	return nil
}

func (l *Loaded) meta(key, value []byte, tx uint64) error {
	switch string(key) {
	case record.FormatKey:
		if err := record.Verify(value); err != nil {
			return fmt.Errorf("%w: format: %w", filecheck.ErrDamaged, err)
		}
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
	s, err := record.DecodeState(value)
	if err == nil && s.Due > l.now {
		l.delays = append(l.delays, delay{record.Seq(key), min(s.Due, l.now+MaxDelay.Nanoseconds())})
	}
}

// delayed says when message seq is due, if it was given back with a delay that is not over.
func (l *Loaded) delayed(seq uint64) (int64, bool) {
	i := sort.Search(len(l.delays), func(i int) bool { return l.delays[i].seq >= seq })
	if i < len(l.delays) && l.delays[i].seq == seq {
		return l.delays[i].due, true
	}
	return 0, false
}

func (l *Loaded) plain(key, value []byte, size int) {
	seq := l.seen(key)
	e, _ := record.ParseEnvelope(value, size) // where that fails it is found out at the hand-out
	l.Live.Add(e.Cost)
	due, _ := l.delayed(seq)
	l.Schedule.FoundPlain(seq, due)
}

// MaxDelay is the longest delay that a message is given back with.
const MaxDelay = 12 * time.Hour

// maxPutDelay is the longest delay a message is stored with. What says more is damaged, and is
// looked at by then.
const maxPutDelay = 24 * time.Hour

func (l *Loaded) indexed(key, value []byte, size int) {
	seq := l.seen(key)
	e, err := record.ParseEnvelope(value, size)
	l.Live.Add(e.Cost)
	if err != nil {
		l.Damaged = append(l.Damaged, seq)
		return
	}
	due, again := l.delayed(seq)
	if !again {
		due = min(e.Due, l.now+maxPutDelay.Nanoseconds())
	}
	if due <= l.now {
		due = 0
	}
	l.Schedule.FoundIndexed(seq, due, e.Group, again)
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
