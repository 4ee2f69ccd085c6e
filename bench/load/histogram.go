package load

import (
	"math"
	"math/bits"
	"time"
)

// A Histogram counts durations in buckets whose width is less than a hundredth of what
// they hold, from one nanosecond up. Its size is fixed. It is not for use by more than
// one goroutine at once.
type Histogram struct {
	counts [64 * perOctave]uint64
	total  uint64
	sum    time.Duration
}

const (
	perOctave = 1 << octaveBits
	// octaveBits is how many bits below its highest one a duration keeps.
	octaveBits = 7
)

// Add counts d once; a negative one as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.total++
	h.sum += d
}

// Count returns how many durations were added.
func (h *Histogram) Count() uint64 { return h.total }

// Sum returns the total of all durations added.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Quantile returns a duration that a share q of all added do not exceed, at most a
// hundredth too long; zero when none was added.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(min(max(q, 0), 1) * float64(h.total)))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return time.Duration(ceiling(i)) //nolint:gosec // what was added fits
		}
	}
	return 0
}

// Reset forgets everything.
func (h *Histogram) Reset() { *h = Histogram{} }

func bucket(v uint64) int {
	shift := bits.Len64(v) - octaveBits - 1
	if shift <= 0 {
		return int(v) //nolint:gosec // less than two octaves
	}
	return shift<<octaveBits + int(v>>shift) //nolint:gosec // less than two octaves
}

// ceiling returns the greatest value in bucket i.
func ceiling(i int) uint64 {
	shift := max(i>>octaveBits-1, 0)
	low := uint64(i-shift<<octaveBits) << shift //nolint:gosec // never negative
	return low + 1<<shift - 1
}
