package tune

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// cgroupLimit is where a container finds its memory limit (cgroup v2).
const cgroupLimit = "/sys/fs/cgroup/memory.max"

// Memory fits the garbage collector to a sidecar, unless GOGC or GOMEMLIMIT say
// otherwise: it is told of the container's limit, and keeps less garbage beside a large
// heap than beside a small one.
func Memory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		text, _ := os.ReadFile(cgroupLimit) // not there: no container, no limit
		if limit, ok := softLimit(string(text)); ok {
			debug.SetMemoryLimit(limit)
		}
	}
	if _, set := os.LookupEnv("GOGC"); !set {
		(&pacer{percent: percentFor(0)}).arm()
	}
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

// A pacer adjusts GOGC after each collection.
type pacer struct{ percent int }

// arm has the collector call adjust when it next runs. An object that nobody holds and
// that has a finalizer is the runtime's only word that a collection took place.
func (p *pacer) arm() {
	runtime.SetFinalizer(&struct{ p *pacer }{p}, func(s *struct{ p *pacer }) {
		s.p.adjust()
		s.p.arm()
	})
}

func (p *pacer) adjust() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	if percent := percentFor(live[0].Value.Uint64()); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent)
	}
}
