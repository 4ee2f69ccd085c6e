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

func TestALargeHeapIsCollectedSooner(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	p := &pacer{percent: 100}
	held := make([]byte, 256<<20)
	runtime.GC()
	p.adjust()
	if p.percent != 15 || debug.SetGCPercent(15) != 15 {
		t.Errorf("GOGC is %d beside 256 MiB in use, want 15", p.percent)
	}
	runtime.KeepAlive(held)
}

func TestThePacerIsCalledAfterEachCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	(&pacer{percent: 1}).arm() // anything but what it will find
	deadline := time.Now().Add(30 * time.Second)
	debug.SetGCPercent(1)
	for debug.SetGCPercent(1) == 1 {
		if time.Now().After(deadline) {
			t.Fatal("the pacer was not called")
		}
		runtime.GC()
		runtime.Gosched()
	}
}
