package recent

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheLatestAreKept(t *testing.T) {
	s := New[int](3, time.Hour)
	for i := range 4 {
		s.Put(KeyOf(fmt.Sprint(i)), i)
	}
	s.Put(KeyOf("1"), 10) // again: now the latest
	s.Put(KeyOf("4"), 4)
	for id, want := range map[string]int{"0": -1, "1": 10, "2": -1, "3": 3, "4": 4} {
		got, ok := s.Get(KeyOf(id))
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("Get(%s) = %d, %v; want %d", id, got, ok, want)
		}
	}
}

func TestWhatIsRemovedMakesRoom(t *testing.T) {
	s := New[int](3, time.Hour)
	for i := range 3 {
		s.Put(KeyOf(fmt.Sprint(i)), i)
	}
	s.Remove(KeyOf("1"))
	s.Remove(KeyOf("never there"))
	s.Put(KeyOf("3"), 3)
	for id, want := range map[string]bool{"0": true, "1": false, "2": true, "3": true} {
		if _, ok := s.Get(KeyOf(id)); ok != want {
			t.Errorf("Get(%s): %v, want %v", id, ok, want)
		}
	}
	s.Put(KeyOf("4"), 4)
	if _, ok := s.Get(KeyOf("0")); ok || s.Len() != 3 {
		t.Errorf("the oldest of four: %v, of %d; want it gone from three", ok, s.Len())
	}
}

func TestTimeEndsWhatIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New[struct{}](3, time.Hour)
		forever := New[struct{}](3, 0)
		s.Put(KeyOf("old"), struct{}{})
		forever.Put(KeyOf("old"), struct{}{})
		time.Sleep(40 * time.Minute)
		s.Put(KeyOf("new"), struct{}{})
		time.Sleep(21 * time.Minute)
		_, isOld := s.Get(KeyOf("old"))
		_, isNew := s.Get(KeyOf("new"))
		if isOld || !isNew {
			t.Errorf("after an hour: old %v, new %v; want only new", isOld, isNew)
		}
		if _, ok := forever.Get(KeyOf("old")); !ok {
			t.Error("a set without a time has forgotten")
		}
	})
}

func TestAFullSetAllocatesNothing(t *testing.T) {
	const limit = 100
	s := New[struct{}](limit, time.Hour)
	ids := make([]string, 3*limit)
	for i := range ids {
		ids[i] = fmt.Sprintf("b8c8bd94-5d1c-4f5e-9c44-%012d", i)
		s.Put(KeyOf(ids[i]), struct{}{})
	}
	next := 0
	allocated := testing.AllocsPerRun(10*limit, func() {
		s.Put(KeyOf(ids[next%len(ids)]), struct{}{})
		s.Get(KeyOf(ids[next%len(ids)]))
		next++
	})
	if allocated >= 1 {
		t.Errorf("%v allocations for each id in the place of another, want none", allocated)
	}
}
