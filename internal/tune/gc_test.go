package tune

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestTheCollectorIsToldOfNineTenthsOfTheLimit(t *testing.T) {
	cases := map[string]struct {
		text  string
		limit int64
		ok    bool
	}{
		"a limit":     {"67108864\n", 60397974, true},
		"none":        {"max\n", 0, false},
		"no such one": {"", 0, false},
		"nonsense":    {"-5", 0, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if limit, ok := softLimit(c.text); limit != c.limit || ok != c.ok {
				t.Errorf("softLimit(%q) = %d, %v; want %d, %v", c.text, limit, ok, c.limit, c.ok)
			}
		})
	}
}

// gcPercent is GOGC as it is now.
func gcPercent() int {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent
}

func TestALargeHeapIsCollectedSooner(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	c := &Collector{percent: 100}
	held := make([]byte, 256<<20)
	runtime.GC()
	c.Adjust(1)
	if gcPercent() != 15 {
		t.Errorf("GOGC is %d beside 256 MiB in use, want 15", gcPercent())
	}
	runtime.KeepAlive(held) // and no longer
	runtime.GC()
	if c.next.IsZero() {
		t.Error("the heap is looked at each time")
	}
	c.next = time.Now().Add(time.Hour)
	c.Adjust(1)
	if gcPercent() != 15 {
		t.Error("the heap is looked at before it is time")
	}
	c.next = time.Time{}
	c.Adjust(1)
	if gcPercent() != 100 {
		t.Errorf("GOGC is %d beside a small heap, want 100", gcPercent())
	}
}

func TestCollectorIsLeftAloneWhereTheOperatorHasSaid(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	t.Setenv("GOGC", "100")
	c := Memory()
	held := make([]byte, 256<<20)
	runtime.GC()
	c.Adjust(1)
	if gcPercent() != 100 {
		t.Errorf("GOGC is %d, want the 100 that is set", gcPercent())
	}
	runtime.KeepAlive(held)
}

func TestAnIdleProcessKeepsLittleGarbage(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	for liveHeap() == 0 || percentFor(liveHeap()) != 100 {
		runtime.GC() // what other tests have left, which may still stand on a stack
	}
	c := Memory()
	if gcPercent() != idlePercent {
		t.Errorf("GOGC is %d at the start, want %d", gcPercent(), idlePercent)
	}
	c.Adjust(1)
	if gcPercent() != 100 {
		t.Errorf("GOGC is %d once a message has come, want 100", gcPercent())
	}
	c.Adjust(0)
	if gcPercent() != 100 {
		t.Errorf("GOGC is %d a moment after a message, want 100", gcPercent())
	}
	c.busy = time.Now().Add(-idleAfter)
	c.Adjust(0)
	if gcPercent() != idlePercent {
		t.Errorf("GOGC is %d after %v without a message, want %d", gcPercent(), idleAfter, idlePercent)
	}
	c.Adjust(1)
	if gcPercent() != 100 {
		t.Errorf("GOGC is %d once messages come again, want 100", gcPercent())
	}
}
