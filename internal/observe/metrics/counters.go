package metrics

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A label has a name, and the values that are known from the start.
type label struct {
	name   string
	values []string
}

// counters is a counter with labels. A child whose values are known is eight bytes, where one of
// prometheus.CounterVec is half a kilobyte: a process has some hundred of them for each of its
// routes. It is safe for concurrent use. A nil one counts nothing.
type counters struct {
	desc    *prometheus.Desc
	labels  []label
	known   []atomic.Uint64 // in the order of the values, the last label's the fastest
	created time.Time

	mu    sync.Mutex
	other map[string]uint64 // of values that were not known, joined
}

// separator joins values; none of ours holds it.
const separator = "\xff"

// newCounters registers a counter, each combination of the labels' values at 0.
func newCounters(registry prometheus.Registerer, o prometheus.CounterOpts, labels ...label) *counters {
	names, children := make([]string, len(labels)), 1
	for i, l := range labels {
		labels[i].values = once(l.values)
		names[i] = l.name
		children *= len(labels[i].values)
	}
	c := &counters{
		desc: prometheus.NewDesc(o.Name, o.Help, names, o.ConstLabels), labels: labels,
		known: make([]atomic.Uint64, children), created: time.Now(), other: map[string]uint64{},
	}
	registry.MustRegister(c)
	return c
}

// once is values without those that came before.
func once(values []string) []string {
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

// Describe says what the counter is called.
func (c *counters) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

// Collect reads the values.
func (c *counters) Collect(values chan<- prometheus.Metric) {
	for at := range c.known {
		values <- c.child(c.known[at].Load(), c.valuesAt(at))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for joined, n := range c.other {
		values <- c.child(n, strings.Split(joined, separator))
	}
}

func (c *counters) child(n uint64, values []string) prometheus.Metric {
	return prometheus.MustNewConstMetricWithCreatedTimestamp(c.desc, prometheus.CounterValue, float64(n), c.created, values...)
}
