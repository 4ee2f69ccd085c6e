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

// idleAfter is how long nothing has been received before the process is idle; the memory of what was is
// given back restAfter later, when the polls that were open have ended too.
const (
	idleAfter = 20 * time.Second
	restAfter = 3 * time.Second
)

// idlePercent is the GOGC of a process that receives nothing: the start of many routes leaves little
// garbage then, and what idle polls leave is collected every few minutes.
const idlePercent = 25

// A Collector fits the garbage collector to the heap: it keeps less garbage beside a large heap than
// beside a small one, and least where nothing has been received for a while. It is safe for concurrent use.
type Collector struct {
	off bool // GOGC is set in the environment

	mu      sync.Mutex
	next    time.Time // when Adjust looks again
	busy    time.Time // when something was last received; zero where the process is idle
	percent int
}

// Start has the start of the process leave little garbage behind, unless GOGC is set: what is made for
// many routes and lives on would lie scattered between it. It is called before anything else.
func Start() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(idlePercent)
	}
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
	c := &Collector{off: off, busy: time.Now()}
	if !off {
		c.set(idlePercent)
		time.AfterFunc(idleAfter, c.look)
	}
	return c
}

// Adjust sets GOGC for the heap that the last collection has left. It is called after each receive, and
// for each message of a producer, with the number of messages that came, which is what a heap grows by,
// and looks at the heap every 50 ms at most. Where it is called with none nothing happens.
func (c *Collector) Adjust(received int) {
	if c.off || received == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, wasIdle := time.Now(), c.busy.IsZero()
	c.busy = now
	if wasIdle {
		time.AfterFunc(idleAfter, c.look)
	}
	if wasIdle || !now.Before(c.next) {
		c.next = now.Add(adjustEvery)
		c.set(percentFor(liveHeap()))
	}
}

// look finds out whether the process is idle, and sets GOGC for one that is. It looks again where it is
// not: a process that only waits for messages is told of none.
func (c *Collector) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if left := idleAfter - time.Since(c.busy); left > 0 {
		time.AfterFunc(left, c.look)
		return
	}
	c.busy = time.Time{}
	c.set(min(idlePercent, percentFor(liveHeap())))
	time.AfterFunc(restAfter, c.rest)
}

// rest gives memory back to the system, unless something was received meanwhile.
func (c *Collector) rest() {
	c.mu.Lock()
	idle := c.busy.IsZero()
	c.mu.Unlock()
	if idle {
		debug.FreeOSMemory()
	}
}

// set sets GOGC where it is another one.
func (c *Collector) set(percent int) {
	if percent != c.percent {
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
