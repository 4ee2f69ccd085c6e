package tune

import (
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
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
	synctest.Test(t, func(t *testing.T) {
		c := Memory()
		for _, step := range []struct {
			when string
			wait time.Duration
			came int
			want int
		}{
			{"at the start", 0, 0, idlePercent},
			{"once a message has come", 0, 1, 100},
			{"a moment after a message", idleAfter / 2, 0, 100},
			{"once another has come", 0, 1, 100},
			{"before it has been idle for long", idleAfter - time.Millisecond, 0, 100},
			{"when it has", 2 * time.Millisecond, 0, idlePercent},
			{"once messages come again", time.Hour, 1, 100},
			{"when it is idle again", idleAfter + time.Millisecond, 0, idlePercent},
		} {
			time.Sleep(step.wait)
			c.Adjust(step.came)
			if gcPercent() != step.want {
				t.Errorf("GOGC is %d %s, want %d", gcPercent(), step.when, step.want)
			}
		}
		time.Sleep(restAfter) // memory is given back
	})
}
