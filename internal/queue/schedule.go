package queue

import "time"

// A schedule knows what is to be handed out next. It does no I/O and no locking.
//
// Plain messages (no group, due at once) are not in it: they are taken from the file in
// the order of their keys, a few keys ahead. Everything else is an item in one of three
// piles, or waits in its lane behind the lane's head.
type schedule struct {
	ready   pile // by sequence number
	delayed pile // by due time
	leased  pile // by end of lease
	lanes   map[string]*lane

	// ahead holds the next plain messages, oldest first; frontier is the last sequence
	// number that was put there, last the last plain one that is committed.
	ahead          []uint64
	frontier, last uint64
	// parked holds plain messages that the frontier has not reached and that are items
	// nevertheless, since an earlier process gave them back with a delay.
	parked map[uint64]struct{}
	// boot is the last sequence number of an earlier process.
	boot uint64
}

// aheadMax is how many sequence numbers of plain messages are held in memory.
const aheadMax = 512

// An item is one message of which more is to be remembered than the file's order.
type item struct {
	seq   uint64
	due   int64 // Unix nanoseconds; 0 is at once
	first int64 // Unix nanoseconds of the first hand-out; 0 is never
	size  int64
	lane  *lane
	lease *lease // of the last hand-out, until it is settled
	pile  *pile
	place int32 // in its pile
	count int32
	// deferrals is how many of count ended without a failed attempt.
	deferrals int32
	open      bool // the last hand-out has no outcome yet
	known     bool // count and first need not be read from the file
	indexed   bool // its message is in the bucket indexed
}

// A lease is one hand-out of a message.
type lease struct {
	expires  time.Time
	settling bool // its end has been asked for
}

// A lane is a group: its head is an item, the others wait.
type lane struct {
	name    string
	waiting []waiting
}

type waiting struct {
	seq uint64
	due int64
}

func newSchedule() schedule {
	return schedule{
		ready:   pile{before: func(a, b *item) bool { return a.seq < b.seq }},
		delayed: pile{before: func(a, b *item) bool { return a.due < b.due || a.due == b.due && a.seq < b.seq }},
		leased:  pile{before: func(a, b *item) bool { return a.lease.expires.Before(b.lease.expires) }},
		lanes:   make(map[string]*lane),
		parked:  make(map[uint64]struct{}),
	}
}

// addPlain notes a plain message that was just committed.
func (s *schedule) addPlain(seq uint64) {
	caughtUp := s.frontier >= s.last
	s.last = max(s.last, seq)
	if caughtUp && seq > s.frontier && len(s.ahead) < aheadMax {
		s.ahead = append(s.ahead, seq)
		s.frontier = seq
	}
}

// behind says that plain messages are waiting and none of them is in memory.
func (s *schedule) behind() bool { return len(s.ahead) == 0 && s.frontier < s.last }

// extend takes the plain messages that follow the frontier in the file. All of those up to
// known are among them, if they are there at all.
func (s *schedule) extend(seqs []uint64, known uint64) {
	for _, seq := range seqs {
		s.frontier = seq
		if _, parked := s.parked[seq]; parked {
			delete(s.parked, seq)
			continue
		}
		s.ahead = append(s.ahead, seq)
	}
	s.frontier = max(s.frontier, known)
}

// addIndexed notes a message with a group or a delay.
func (s *schedule) addIndexed(seq uint64, due int64, group string) {
	if group == "" {
		s.put(&item{seq: seq, due: due, indexed: true, known: seq > s.boot})
		return
	}
	l, ok := s.lanes[group]
	if ok {
		l.waiting = append(l.waiting, waiting{seq, due})
		return
	}
	l = &lane{name: group}
	s.lanes[group] = l
	s.put(&item{seq: seq, due: due, lane: l, indexed: true, known: seq > s.boot})
}

// put makes it due at it.due. Whether that is past is found out by turn.
func (s *schedule) put(it *item) {
	if it.due == 0 {
		s.ready.push(it)
		return
	}
	s.delayed.push(it)
}

// turn moves what has become due, or whose lease is over, to where it is handed out.
func (s *schedule) turn(now time.Time) {
	for it := s.delayed.top(); it != nil && it.due <= now.UnixNano(); it = s.delayed.top() {
		s.delayed.remove(it)
		it.due = 0
		s.ready.push(it)
	}
	for it := s.leased.top(); it != nil && !it.lease.expires.After(now); it = s.leased.top() {
		s.leased.remove(it)
		s.ready.push(it)
	}
}

// pick takes the oldest message that is due, or none. The caller has called turn, and
// refilled where behind said so.
func (s *schedule) pick() *item {
	top := s.ready.top()
	if len(s.ahead) == 0 || top != nil && top.seq < s.ahead[0] {
		if top != nil {
			s.ready.remove(top)
		}
		return top
	}
	it := &item{seq: s.ahead[0], known: s.ahead[0] > s.boot}
	s.ahead = s.ahead[1:]
	return it
}

// take removes it from its pile, if it is in one.
func (s *schedule) take(it *item) {
	if it.pile != nil {
		it.pile.remove(it)
	}
}

// finish forgets it, which is in no pile, and lets its lane's next message go.
func (s *schedule) finish(it *item) {
	it.lease = nil
	l := it.lane
	if l == nil {
		return
	}
	if len(l.waiting) == 0 {
		delete(s.lanes, l.name)
		return
	}
	next := l.waiting[0]
	l.waiting = l.waiting[1:]
	s.put(&item{seq: next.seq, due: next.due, lane: l, indexed: true, known: next.seq > s.boot})
}

// sleep is how long from now on nothing becomes due by itself; ok is false when nothing will.
func (s *schedule) sleep(now time.Time) (d time.Duration, ok bool) {
	if it := s.delayed.top(); it != nil {
		d, ok = time.Duration(it.due-now.UnixNano()), true
	}
	if it := s.leased.top(); it != nil {
		left := it.lease.expires.Sub(now)
		if !ok || left < d {
			d, ok = left, true
		}
	}
	return max(d, 0), ok
}
