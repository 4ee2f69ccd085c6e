package metrics

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A label has a name, and the values that are known from the start.
type label struct {
	name   string
	values []string
}

// counters is a counter with labels. A child whose values are known is eight bytes: a process has
// some hundred of them for each of its routes. It is safe for concurrent use. A nil one counts
// nothing.
type counters struct {
	labels []label
	known  []atomic.Uint64 // in the order of the values, the last label's the fastest

	mu    sync.Mutex
	other map[string]uint64 // of values that were not known, joined
}

// separator joins values; none of ours holds it.
const separator = "\xff"

// newCounters has each combination of the labels' values at 0.
func newCounters(labels ...label) *counters {
	children := 1
	for i, l := range labels {
		labels[i].values = once(l.values)
		children *= len(labels[i].values)
	}
	return &counters{labels: labels, known: make([]atomic.Uint64, children)}
}

// once is values without those that came before; values itself where there are none.
func once(values []string) []string {
	distinct := true
	for i, value := range values {
		distinct = distinct && !slices.Contains(values[:i], value)
	}
	if distinct {
		return values
	}
	var all []string
	for _, value := range values {
		if !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// inc counts one of these values, one for each label.
func (c *counters) inc(values ...string) {
	if c == nil {
		return
	}
	if at := c.place(values); at >= 0 {
		c.known[at].Add(1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.other == nil {
		c.other = map[string]uint64{}
	}
	c.other[strings.Join(values, separator)]++
}

// place is where the child of values is among those that are known; -1 where it is not.
func (c *counters) place(values []string) int {
	at := 0
	for i, l := range c.labels {
		n := slices.Index(l.values, values[i])
		if n < 0 {
			return -1
		}
		at = at*len(l.values) + n
	}
	return at
}

// valuesAt are the values of the child at a place.
func (c *counters) valuesAt(at int) []string {
	values := make([]string, len(c.labels))
	for i := len(c.labels) - 1; i >= 0; i-- {
		known := c.labels[i].values
		values[i] = known[at%len(known)]
		at /= len(known)
	}
	return values
}

// collect adds the series of all children.
func (c *counters) collect(to *exposition, name, help string, labels ...pair) {
	for at := range c.known {
		to.counter(name, help, float64(c.known[at].Load()), append(c.pairs(c.valuesAt(at)), labels...)...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, joined := range slices.Sorted(maps.Keys(c.other)) {
		to.counter(name, help, float64(c.other[joined]), append(c.pairs(strings.Split(joined, separator)), labels...)...)
	}
}

func (c *counters) pairs(values []string) []pair {
	pairs := make([]pair, len(values))
	for i, value := range values {
		pairs[i] = pair{c.labels[i].name, value}
	}
	return pairs
}
