package schedule

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"
)

// TakeWaiting takes the message of a number, of a group if it has one, wherever it waits: due or not,
// behind its group's first one or not looked at yet. It returns nil where the message is in flight, is
// being settled, or is not here at all. Its cost grows with how many items wait.
func (s *Schedule) TakeWaiting(seq uint64, isIndexed bool, group string) *Item {
	for _, h := range []*itemHeap{&s.ready, &s.delayed} {
		if i := slices.IndexFunc(h.items, func(it *Item) bool { return it.Seq == seq }); i >= 0 {
			it := h.items[i]
			s.Take(it)
			return it
		}
	}
	if isIndexed {
		return s.takeBehind(seq, group)
	}
	return s.takePlain(seq)
}

// takeBehind takes a message that waits behind its group's first one.
func (s *Schedule) takeBehind(seq uint64, group string) *Item {
	hash := max(1, maphash.String(s.seed, group))
	l := s.lanes[hash]
	if group == "" || l == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(l.waiting, seq, func(w waiting, seq uint64) int { return cmp.Compare(w.seq, seq) })
	if !found {
		return nil
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	if len(l.waiting) == 0 {
		s.lanes[hash] = nil
	}
	return &Item{Seq: seq, flags: indexed} // of no group: it holds nothing up
}

// takePlain takes one of the next plain messages, or has the frontier pass over a later one.
func (s *Schedule) takePlain(seq uint64) *Item {
	if i := slices.Index(s.ahead, seq); i >= 0 {
		s.ahead = slices.Delete(slices.Clone(s.ahead), i, i+1)
		return &Item{Seq: seq}
	}
	if _, passedOver := s.parked[seq]; passedOver || seq <= s.frontier || seq > s.last {
		return nil
	}
	s.parked[seq] = struct{}{}
	return &Item{Seq: seq}
}

// InFlight returns the messages that are under a lease by their numbers, each with its receive count
// and the end of its lease.
func (s *Schedule) InFlight() map[uint64]InFlight {
	all := make(map[uint64]InFlight, len(s.leased.items))
	for _, it := range s.leased.items {
		all[it.Seq] = InFlight{Count: it.Receives.Count, First: it.Receives.First, Expires: it.Receives.Lease.Expires}
	}
	return all
}

// InFlight is what is known of a message that is under a lease.
type InFlight struct {
	Count   int32
	First   int64 // the first receive, in Unix nanoseconds
	Expires time.Time
}
