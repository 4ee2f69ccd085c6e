package queue

import (
	"fmt"
	"sort"
	"time"

	"carrier/internal/queue/filecheck"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
)

// loaded is what a file holds when it is opened.
type loaded struct {
	counts     record.Counts
	last       uint64 // sequence number
	schedule   *schedule.Schedule
	live, dead usage
	damaged    []uint64 // indexed messages that cannot be read, by sequence number
	nextExpiry int64

	now int64
	// delays are the messages that are not due yet since they were given back, in order.
	delays []delay
	sealed *record.Counts
}

type delay struct {
	seq uint64
	due int64
}

func newLoaded() *loaded {
	return &loaded{schedule: schedule.New(), now: time.Now().UnixNano()}
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
func load(f *filecheck.File) (l *loaded, empty bool, err error) {
	l = newLoaded()
	empty, err = f.Walk(loadOrder(), func(b record.Bucket, key []byte, v filecheck.Value) error {
		l.counts[b]++
		return l.visit(b, key, v, f.TX())
	})
	l.schedule.Booted(l.last)
	return l, empty, err
}

func (l *loaded) visit(b record.Bucket, key []byte, v filecheck.Value, tx uint64) error {
	if b == record.Keys || b == record.Expiry && l.counts[b] > 1 {
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
		l.nextExpiry, _, _ = record.CutExpiryKey(key)
	case record.States:
		l.state(key, value)
	case record.Dead:
		l.seen(key)
		l.dead.add(record.DeadLetterCost(value, v.Size))
	case record.Quarantined:
		l.seen(key)
	case record.Plain:
		l.plain(key, value, v.Size)
	case record.Indexed:
		l.indexed(key, value, v.Size)
	}
	return nil
}

func (l *loaded) meta(key, value []byte, tx uint64) error {
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
func (l *loaded) seen(key []byte) uint64 {
	seq := record.Seq(key)
	l.last = max(l.last, seq)
	return seq
}

// state keeps the states of messages that are not due yet; the others are read when the message is
// handed out.
func (l *loaded) state(key, value []byte) {
	s, err := record.DecodeState(value)
	if err == nil && s.Due > l.now {
		l.delays = append(l.delays, delay{record.Seq(key), min(s.Due, l.now+maxDelay.Nanoseconds())})
	}
}

// delayed says when message seq is due, if it was given back with a delay that is not over.
func (l *loaded) delayed(seq uint64) (int64, bool) {
	i := sort.Search(len(l.delays), func(i int) bool { return l.delays[i].seq >= seq })
	if i < len(l.delays) && l.delays[i].seq == seq {
		return l.delays[i].due, true
	}
	return 0, false
}

func (l *loaded) plain(key, value []byte, size int) {
	seq := l.seen(key)
	e, _ := record.ParseEnvelope(value, size) // where that fails it is found out at the hand-out
	l.live.add(e.Cost)
	due, _ := l.delayed(seq)
	l.schedule.FoundPlain(seq, due)
}

// maxPutDelay is the longest delay a message is stored with. What says more is damaged, and is
// looked at by then.
const maxPutDelay = 24 * time.Hour

func (l *loaded) indexed(key, value []byte, size int) {
	seq := l.seen(key)
	e, err := record.ParseEnvelope(value, size)
	l.live.add(e.Cost)
	if err != nil {
		l.damaged = append(l.damaged, seq)
		return
	}
	due, again := l.delayed(seq)
	if !again {
		due = min(e.Due, l.now+maxPutDelay.Nanoseconds())
	}
	if due <= l.now {
		due = 0
	}
	l.schedule.FoundIndexed(seq, due, e.Group, again)
}

// missing says where the last commit counted other numbers than there are; nil where it did not.
func (l *loaded) missing() error {
	if l.sealed == nil {
		return nil
	}
	var said string
	for b := range record.NumBuckets {
		if is, was := l.counts[b], l.sealed[b]; is != was {
			said += fmt.Sprintf(", bucket %s holds %d of %d", b.Name(), is, was)
		}
	}
	if said == "" {
		return nil
	}
	return fmt.Errorf("entries are missing%s", said)
}
