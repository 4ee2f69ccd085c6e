package schedule

import (
	"cmp"
	"slices"
)

// oldestMost is how many of the delayed messages are kept in order, so that taking many of the
// oldest does not look through all of them each time.
const oldestMost = 512

// TakeOldest takes the message with the lowest number that is not in flight, due or not; nil where
// there is none. The caller has called Advance, and Extend where Behind said so. The messages of a
// group whose first one is in flight are the last to be taken.
func (s *Schedule) TakeOldest() *Item {
	it := s.ready.first()
	if d := s.oldestDelayed(); it == nil || d != nil && d.Seq < it.Seq {
		it = d
	}
	switch {
	case len(s.ahead) > 0 && (it == nil || s.ahead[0] < it.Seq):
		return s.takeAhead()
	case it == nil:
		return s.takeTail()
	default:
		s.Take(it)
		return it
	}
}

func (s *Schedule) oldestDelayed() *Item {
	for {
		for len(s.oldest) > 0 {
			if it := s.oldest[0]; it.in == inDelayed {
				return it
			}
			s.oldest = s.oldest[1:] // it was taken meanwhile
		}
		if len(s.delayed.items) == 0 {
			s.oldest = nil
			return nil
		}
		s.oldest = make([]*Item, 0, oldestMost+1)
		for _, it := range s.delayed.items {
			if len(s.oldest) < oldestMost || it.Seq < s.oldest[oldestMost-1].Seq {
				s.insertOldest(it)
			}
		}
	}
}

// noteOldest puts it, which was just delayed, among the oldest ones if it belongs there.
func (s *Schedule) noteOldest(it *Item) {
	if n := len(s.oldest); n > 0 && it.Seq < s.oldest[n-1].Seq {
		s.insertOldest(it)
	}
}

func (s *Schedule) insertOldest(it *Item) {
	at, _ := slices.BinarySearchFunc(s.oldest, it.Seq, func(o *Item, seq uint64) int { return cmp.Compare(o.Seq, seq) })
	s.oldest = slices.Insert(s.oldest, at, it)
	if len(s.oldest) > oldestMost {
		s.oldest[oldestMost] = nil
		s.oldest = s.oldest[:oldestMost]
	}
}

// takeTail takes the oldest message that waits behind one in flight.
func (s *Schedule) takeTail() *Item {
	var group uint64
	var oldest *lane
	for hash, l := range s.lanes {
		if l != nil && (oldest == nil || l.waiting[0].seq < oldest.waiting[0].seq) {
			group, oldest = hash, l
		}
	}
	if oldest == nil {
		return nil
	}
	it := &Item{Seq: oldest.waiting[0].seq, flags: indexed} // of no group: it holds nothing up
	if it.Seq > s.boot {
		it.flags |= fresh
	}
	oldest.waiting = oldest.waiting[1:]
	if len(oldest.waiting) == 0 {
		s.lanes[group] = nil
	}
	return it
}
