package schedule

import (
	"testing"
	"time"
)

// TestTakenMessageIsPassedOverByAStaleRead: the file was read before the message was taken, and what it
// said then comes afterwards.
func TestTakenMessageIsPassedOverByAStaleRead(t *testing.T) {
	s := New()
	for seq := range uint64(3) {
		s.FoundPlain(seq+1, 0)
	}
	_, known, _ := s.Behind()
	if it := s.TakeWaiting(2, false, ""); it == nil || it.Seq != 2 {
		t.Fatalf("TakeWaiting = %+v", it)
	}
	if it := s.TakeWaiting(2, false, ""); it != nil {
		t.Errorf("it was taken twice: %+v", it)
	}
	s.Extend([]uint64{1, 2, 3}, known)
	for _, want := range []uint64{1, 3} {
		if it := s.Pick(); it == nil || it.Seq != want {
			t.Errorf("Pick = %+v, want %d", it, want)
		}
	}
	if len(s.parked) != 0 {
		t.Errorf("%d messages are remembered that the frontier is past", len(s.parked))
	}
}

func TestWhatDoesNotWaitIsNotTaken(t *testing.T) {
	s := New()
	s.AddPlain(1)
	s.AddIndexed(2, 0, "g")
	leased := s.Pick()
	leased.Receives = &Receives{Count: 3, Lease: &Lease{Expires: time.Now()}}
	s.Lease(leased)
	settling := s.Pick()
	for name, c := range map[string]struct {
		seq     uint64
		indexed bool
		group   string
	}{
		"in flight":          {leased.Seq, leased.Indexed(), ""},
		"being settled":      {settling.Seq, settling.Indexed(), "g"},
		"not there":          {9, false, ""},
		"not there, indexed": {9, true, ""},
		"not of its group":   {9, true, "g"},
		"of another group":   {2, true, "h"},
	} {
		if it := s.TakeWaiting(c.seq, c.indexed, c.group); it != nil {
			t.Errorf("%s: took %+v", name, it)
		}
	}
	if all := s.InFlight(); len(all) != 1 || all[leased.Seq].Count != 3 {
		t.Errorf("InFlight = %+v", all)
	}
}
