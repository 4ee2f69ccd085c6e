package metrics

import (
	"math"
	"slices"
	"sync"
)

// A histogram counts values by the smallest of its bounds that is not below them. It is safe for
// concurrent use.
type histogram struct {
	bounds []float64 // ascending

	mu     sync.Mutex
	counts []uint64 // by bound, the last one for what is above all
	sum    float64
}

func newHistogram(bounds ...float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

// observe counts one value.
func (h *histogram) observe(value float64) {
	at, _ := slices.BinarySearch(h.bounds, value)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[at]++
	h.sum += value
}

// collect adds the series of all buckets, each of which holds those below it.
func (h *histogram) collect(to *exposition, name, help string, labels ...pair) {
	h.mu.Lock()
	counts, sum := slices.Clone(h.counts), h.sum
	h.mu.Unlock()
	f, labels, below := to.family(name, help, histogramType), byName(labels), uint64(0)
	for i, bound := range append(slices.Clone(h.bounds), math.Inf(1)) {
		below += counts[i]
		f.sample(name+"_bucket", float64(below), append(labels[:len(labels):len(labels)], pair{"le", number(bound)}))
	}
	f.sample(name+"_sum", sum, labels)
	f.sample(name+"_count", float64(below), labels)
}
