package schedule

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"carrier/internal/queue/record"
)

// TestWaitingMessagesTakeLittleMemory holds the index to what a message is charged for it.
func TestWaitingMessagesTakeLittleMemory(t *testing.T) {
	const n = 200_000
	for name, add := range map[string]func(s *Schedule, i int){
		"a group for each": func(s *Schedule, i int) { s.AddIndexed(uint64(i), 0, fmt.Sprintf("%0100d", i)) },
		"found at a start": func(s *Schedule, i int) { s.FoundIndexed(uint64(i), 0, fmt.Appendf(nil, "%0100d", i), false) },
		"one group":        func(s *Schedule, i int) { s.AddIndexed(uint64(i), 0, "g") },
		"a delay for each": func(s *Schedule, i int) { s.AddIndexed(uint64(i), int64(i), "") },
		"backing off":      func(s *Schedule, i int) { s.FoundPlain(uint64(i), int64(n-i)+1) },
	} {
		t.Run(name, func(t *testing.T) {
			before := heapInUse()
			s := New()
			for i := 1; i <= n; i++ {
				add(s, i)
			}
			each := (heapInUse() - before) / n
			if runtime.KeepAlive(s); each > record.IndexCost {
				t.Errorf("%d bytes for each message, want %d at most", each, record.IndexCost)
			}
		})
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestNothingIsKeptOfFinishedGroups(t *testing.T) {
	s := New()
	for i := range uint64(100) {
		s.AddIndexed(i+1, 0, fmt.Sprint("g", i%10))
	}
	for range 100 {
		s.Advance(time.Now())
		it := s.Pick()
		if it == nil {
			t.Fatal("nothing is due")
		}
		s.Finish(it)
	}
	if len(s.lanes) != 0 || s.ready.Len() != 0 || s.Pick() != nil {
		t.Errorf("%d groups and %d items are left", len(s.lanes), s.ready.Len())
	}
}

func TestCountsFollowTheItems(t *testing.T) {
	s, now := New(), time.Now()
	s.AddIndexed(1, now.Add(time.Hour).UnixNano(), "")
	s.AddIndexed(2, 0, "g")
	it := s.Pick()
	it.Receives = &Receives{Lease: &Lease{Expires: now.Add(time.Minute)}}
	s.Lease(it)
	want := func(delayed, backingOff, inFlight int) {
		t.Helper()
		if d, b, f := s.Counts(); d != delayed || b != backingOff || f != inFlight {
			t.Errorf("counts = %d, %d, %d; want %d, %d, %d", d, b, f, delayed, backingOff, inFlight)
		}
	}
	want(1, 0, 1)
	s.Take(it)
	s.GiveBack(it, now.Add(time.Second).UnixNano())
	want(1, 1, 0)
	s.Advance(now.Add(2 * time.Hour))
	want(0, 0, 0)
}

// TestOldestThatIsNotInFlightIsTaken has one message in each place: 2 is in flight and 3 waits behind
// it, 4 and 1 are delayed, 5 was ready again, 6 and 7 are plain.
func TestOldestThatIsNotInFlightIsTaken(t *testing.T) {
	s, now := New(), time.Now()
	s.AddIndexed(1, now.Add(time.Hour).UnixNano(), "")
	s.AddIndexed(2, 0, "g")
	s.AddIndexed(3, 0, "g")
	inFlight := s.Pick()
	inFlight.Receives = &Receives{Lease: &Lease{Expires: now.Add(time.Hour)}}
	s.Lease(inFlight)
	s.AddIndexed(4, now.Add(time.Minute).UnixNano(), "h")
	s.AddIndexed(5, 0, "")
	s.AddPlain(6)
	s.AddPlain(7)
	for _, want := range []uint64{1, 4, 5, 6, 7, 3} {
		it := s.TakeOldest()
		if it == nil || it.Seq != want {
			t.Fatalf("taken %+v, want %d", it, want)
		}
		s.Finish(it)
	}
	if it := s.TakeOldest(); it != nil {
		t.Errorf("taken %+v, which is in flight", it)
	}
	if s.Take(inFlight); len(s.lanes) != 1 {
		t.Fatal("the group is gone while its first message is in flight")
	}
	if s.Finish(inFlight); len(s.lanes) != 0 {
		t.Error("the group is left")
	}
}

// TestOldestOfManyDelayedAreTakenInOrder has more than are kept in order, some of them given back in
// between.
func TestOldestOfManyDelayedAreTakenInOrder(t *testing.T) {
	s, now := New(), time.Now()
	const n = 3 * oldestMost
	for i := range uint64(n) {
		s.AddIndexed(n-i, now.Add(time.Duration(i%7)*time.Minute+time.Hour).UnixNano(), "")
	}
	for want := uint64(1); want <= n; want++ {
		it := s.TakeOldest()
		if want%5 == 0 { // it comes back, and is the oldest again
			s.GiveBack(it, now.Add(time.Hour).UnixNano())
			it = s.TakeOldest()
		}
		if it == nil || it.Seq != want {
			t.Fatalf("taken %+v, want %d", it, want)
		}
	}
}
