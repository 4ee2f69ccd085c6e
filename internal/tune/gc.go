package tune

import (
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"
)

// cgroupLimit is where a container finds its memory limit (cgroup v2).
const cgroupLimit = "/sys/fs/cgroup/memory.max"

// adjustEvery is how often the collector is looked at, at most.
const adjustEvery = 50 * time.Millisecond

// A Collector fits the garbage collector to the heap: it keeps less garbage beside a large heap than
// beside a small one. It is safe for concurrent use.
type Collector struct {
	off bool // GOGC is set in the environment

	mu      sync.Mutex
	next    time.Time // when Adjust looks again
	percent int
}

// Memory tells the garbage collector of the container's memory limit, unless GOMEMLIMIT is set, and
// returns the Collector, which does nothing where GOGC is set.
func Memory() *Collector {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		text, _ := os.ReadFile(cgroupLimit) // not there: no container, no limit
		if limit, ok := softLimit(string(text)); ok {
			debug.SetMemoryLimit(limit)
		}
	}
	_, off := os.LookupEnv("GOGC")
	return &Collector{off: off, percent: percentFor(0)}
}

// Adjust sets GOGC for the heap that the last collection has left. It is called after each receive,
// which is what a heap grows by, and looks at the heap every 50 ms at most.
func (c *Collector) Adjust() {
	if c.off {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Before(c.next) {
		return
	}
	c.next = now.Add(adjustEvery)
	if percent := percentFor(liveHeap()); percent != c.percent {
		c.percent = percent
		debug.SetGCPercent(percent)
	}
}

// liveHeap is how many bytes the last collection has left; 0 before the first.
func liveHeap() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return live[0].Value.Uint64()
}

// softLimit is what the collector is told of a limit of so many bytes, "max" for none:
// nine tenths of it, since not all of a process is heap.
func softLimit(text string) (int64, bool) {
	limit, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || limit <= 0 || limit == math.MaxInt64 {
		return 0, false
	}
	return limit / 10 * 9, true
}

// percentFor is the GOGC for a heap with so many bytes in use. A thousand messages of a
// megabyte are a gigabyte that another gigabyte of garbage must not stand beside; they
// hold no pointers, so that looking through them often costs little.
func percentFor(live uint64) int {
	const mib = 1 << 20
	switch {
	case live < 32*mib:
		return 100
	case live < 128*mib:
		return 60
	default:
		return 15
	}
}
