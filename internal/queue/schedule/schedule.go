// Package schedule knows which message of a queue is to be handed out next. It does no I/O and
// no locking: its callers call one at a time.
package schedule

import (
	"hash/maphash"
	"time"
)

// A Schedule holds what is to be handed out.
//
// Plain messages (no group, due at once) are not in it: they are taken from the file in the
// order of their keys, a few keys ahead. Everything else is an item in one of three heaps, or
// waits in its lane behind the lane's head. A million items, each with a group of its own, take
// about 100 MiB.
type Schedule struct {
	ready   itemHeap // by sequence number
	delayed itemHeap // by due time
	leased  itemHeap // by end of lease
	// lanes are the groups that have an item, by the hash of their name, with what waits
	// behind it; nil is nothing. Two groups with one hash are handed out as if they were one.
	lanes map[uint64]*lane
	seed  maphash.Seed

	// ahead holds the next plain messages, oldest first; frontier is the last sequence number
	// that was put there, last the last plain one that is committed.
	ahead          []uint64
	frontier, last uint64
	// parked holds plain messages that the frontier has not reached and passes over: they are items,
	// since an earlier process gave them back with a delay, or were taken by TakeWaiting.
	parked map[uint64]struct{}
	// boot is the last sequence number of an earlier process.
	boot uint64
	// backingOff is how many of the delayed ones have been handed out before.
	backingOff int
	// oldest are some of the delayed ones with the lowest numbers; see TakeOldest.
	oldest []*Item
}

// AheadMax is how many sequence numbers of plain messages are held in memory.
const AheadMax = 512

// A lane is what waits behind a group's item, oldest first.
type lane struct{ waiting []waiting }

type waiting struct {
	seq uint64
	due int64
}

// New returns an empty schedule.
func New() *Schedule {
	return &Schedule{
		ready:   itemHeap{before: func(a, b *Item) bool { return a.Seq < b.Seq }},
		delayed: itemHeap{before: func(a, b *Item) bool { return a.Due < b.Due || a.Due == b.Due && a.Seq < b.Seq }},
		leased:  itemHeap{before: func(a, b *Item) bool { return a.Receives.Lease.Expires.Before(b.Receives.Lease.Expires) }},
		lanes:   make(map[uint64]*lane),
		seed:    maphash.MakeSeed(),
		parked:  make(map[uint64]struct{}),
	}
}

// Booted says that all messages up to seq were stored by earlier processes.
func (s *Schedule) Booted(seq uint64) { s.boot = seq }

// FoundPlain notes a plain message of an earlier process. Due, in Unix nanoseconds, is when one
// is due that was given back with a delay; 0 for at once.
func (s *Schedule) FoundPlain(seq uint64, due int64) {
	s.last = max(s.last, seq)
	if due != 0 {
		s.parked[seq] = struct{}{}
		s.put(&Item{Seq: seq, Due: due, flags: retried})
	}
}

// AddPlain notes a plain message that was just committed.
func (s *Schedule) AddPlain(seq uint64) {
	caughtUp := s.frontier >= s.last
	s.last = max(s.last, seq)
	if caughtUp && seq > s.frontier && len(s.ahead) < AheadMax {
		s.ahead = append(s.ahead, seq)
		s.frontier = seq
	}
}

// Behind says that plain messages after the sequence number from are waiting in the file and none
// of them is in memory. Known is the last one there is.
func (s *Schedule) Behind() (from, known uint64, behind bool) {
	return s.frontier, s.last, len(s.ahead) == 0 && s.frontier < s.last
}

// Extend takes the plain messages that follow the frontier in the file. All of those up to
// known are among them, if they are there at all.
func (s *Schedule) Extend(seqs []uint64, known uint64) {
	for _, seq := range seqs {
		s.frontier = seq
		if _, parked := s.parked[seq]; parked {
			delete(s.parked, seq)
			continue
		}
		s.ahead = append(s.ahead, seq)
	}
	if s.frontier = max(s.frontier, known); s.frontier >= s.last {
		clear(s.parked)
	}
}

// FoundIndexed notes a message of an earlier process with a group or a delay; again says that it
// was handed out and given back.
func (s *Schedule) FoundIndexed(seq uint64, due int64, group []byte, again bool) {
	var f flags
	if again {
		f = retried
	}
	hash := uint64(0)
	if len(group) > 0 {
		hash = max(1, maphash.Bytes(s.seed, group))
	}
	s.addIndexed(seq, due, hash, f)
}

// AddIndexed notes a message with a group or a delay that was just committed.
func (s *Schedule) AddIndexed(seq uint64, due int64, group string) {
	hash := uint64(0)
	if group != "" {
		hash = max(1, maphash.String(s.seed, group))
	}
	s.addIndexed(seq, due, hash, fresh)
}

func (s *Schedule) addIndexed(seq uint64, due int64, group uint64, f flags) {
	if group != 0 {
		l, busy := s.lanes[group]
		switch {
		case !busy:
			s.lanes[group] = nil
		case l == nil:
			s.lanes[group] = &lane{waiting: []waiting{{seq, due}}}
			return
		default:
			l.waiting = append(l.waiting, waiting{seq, due})
			return
		}
	}
	s.put(&Item{Seq: seq, Due: due, group: group, flags: f | indexed})
}

// Damaged is an item for a message that cannot be read, and is not scheduled.
func Damaged(seq uint64, isIndexed bool) *Item {
	it := &Item{Seq: seq, Receives: &Receives{}}
	if isIndexed {
		it.flags = indexed
	}
	return it
}

// Holds reports whether there is an item of group, in flight or not.
func (s *Schedule) Holds(group string) bool {
	_, busy := s.lanes[max(1, maphash.String(s.seed, group))]
	return group != "" && busy
}

// put makes it due at it.Due. Whether that is past is found out by Advance.
func (s *Schedule) put(it *Item) {
	if it.Due == 0 {
		s.push(it, inReady)
		return
	}
	s.push(it, inDelayed)
}

// GiveBack makes it, which is in no heap, due at due.
func (s *Schedule) GiveBack(it *Item, due int64) {
	it.Due = due
	it.flags |= retried
	s.put(it)
}

// Advance moves what has become due, or whose lease is over, to where it is handed out.
func (s *Schedule) Advance(now time.Time) {
	for it := s.delayed.first(); it != nil && it.Due <= now.UnixNano(); it = s.delayed.first() {
		s.Take(it)
		it.Due = 0
		s.push(it, inReady)
	}
	for it := s.leased.first(); it != nil && !it.Receives.Lease.Expires.After(now); it = s.leased.first() {
		s.Take(it)
		s.push(it, inReady)
	}
}

// Pick takes the oldest message that is due; nil where there is none. The caller has called
// Advance, and Extend where Behind said so.
func (s *Schedule) Pick() *Item {
	first := s.ready.first()
	if len(s.ahead) == 0 || first != nil && first.Seq < s.ahead[0] {
		if first != nil {
			s.Take(first)
		}
		return first
	}
	return s.takeAhead()
}

// takeAhead takes the next plain message.
func (s *Schedule) takeAhead() *Item {
	it := &Item{Seq: s.ahead[0]}
	if it.Seq > s.boot {
		it.flags = fresh
	}
	s.ahead = s.ahead[1:]
	return it
}

// Lease notes that it is handed out under its lease.
func (s *Schedule) Lease(it *Item) {
	it.flags |= retried
	s.push(it, inLeased)
}

// Extended notes that the lease of it ends later.
func (s *Schedule) Extended(it *Item) { s.leased.fix(it) }

// Finish forgets it, which is in no heap, and lets its group's next message go.
func (s *Schedule) Finish(it *Item) {
	if it.group == 0 {
		return
	}
	l := s.lanes[it.group]
	if l == nil {
		delete(s.lanes, it.group)
		return
	}
	next := l.waiting[0]
	l.waiting = l.waiting[1:]
	if len(l.waiting) == 0 {
		s.lanes[it.group] = nil
	}
	f := indexed
	if next.seq > s.boot {
		f |= fresh
	}
	s.put(&Item{Seq: next.seq, Due: next.due, group: it.group, flags: f})
}

// Sleep is how long from now on nothing becomes due by itself; ok is false when nothing will.
func (s *Schedule) Sleep(now time.Time) (d time.Duration, ok bool) {
	if it := s.delayed.first(); it != nil {
		d, ok = time.Duration(it.Due-now.UnixNano()), true
	}
	if it := s.leased.first(); it != nil {
		left := it.Receives.Lease.Expires.Sub(now)
		if !ok || left < d {
			d, ok = left, true
		}
	}
	return max(d, 0), ok
}

// Counts says how many items are delayed since their producer wanted it, delayed since they were
// given back, and in flight.
func (s *Schedule) Counts() (delayed, backingOff, inFlight int) {
	return len(s.delayed.items) - s.backingOff, s.backingOff, len(s.leased.items)
}

func (s *Schedule) push(it *Item, to place) {
	it.in = to
	s.heap(to).push(it)
	if to == inDelayed {
		s.noteOldest(it)
		if it.flags&retried != 0 {
			s.backingOff++
		}
	}
}

// Take removes it from its heap, if it is in one.
func (s *Schedule) Take(it *Item) {
	if it.in == nowhere {
		return
	}
	if it.in == inDelayed && it.flags&retried != 0 {
		s.backingOff--
	}
	s.heap(it.in).remove(it)
	it.in = nowhere
}

func (s *Schedule) heap(p place) *itemHeap {
	switch p {
	case inDelayed:
		return &s.delayed
	case inLeased:
		return &s.leased
	default:
		return &s.ready
	}
}
