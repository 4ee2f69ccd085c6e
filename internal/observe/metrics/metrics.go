// Package metrics counts what happens, for Prometheus: once for the process, and once for each of
// its routes. What is counted is numbers; their names and labels are made for each scrape.
package metrics

import (
	"slices"
	"sync"
	"sync/atomic"

	"carrier/receiver"
)

// Options is what the metrics of one route are made of.
type Options struct {
	// Route is the value of the label route; empty means that no metric has that label.
	Route string
	// Receiver is the receiver's name: the value of the receiver label.
	Receiver string
	// Concurrency is the most messages the worker holds at once.
	Concurrency int
	// Operations are the operations the receiver tells its Observer of; each is there
	// from the start, at 0.
	Operations []string
	// Duplicates are the causes the receiver tells its Observer of, likewise.
	Duplicates []string
}

// Metrics holds every number of one route. It is safe for concurrent use, and no method blocks. It
// is a receiver.Observer.
type Metrics struct {
	process     *Process
	route       []pair // the label route, where the route has a name
	receiver    pair
	concurrency int

	received    atomic.Uint64
	settled     *counters
	rejected    *counters
	leftBehind  atomic.Uint64
	attempts    *counters
	took        *histogram
	age         *histogram
	extensions  *counters
	leasesLost  atomic.Uint64
	lastReceive atomic.Int64 // nanoseconds since 1970; 0: never
	workerUp    atomic.Bool
	draining    atomic.Bool
	calls       *counters
	errors      *counters
	duplicates  *counters

	mu           sync.Mutex
	breakersOpen map[string]bool // by endpoint

	deferralsHeld func() int64
}

var _ receiver.Observer = (*Metrics)(nil)

// Route assembles the metrics of one route, every known label at 0.
func (p *Process) Route(o Options) *Metrics {
	m := newMetrics(p, o)
	p.watch(m.messages)
	p.watch(m.worker)
	p.watch(m.workerState)
	p.watch(m.breakers)
	p.watch(m.source)
	return m
}

// Fallback assembles the metrics of the route called route, which receives nothing: other routes hand
// messages to its worker, and count them as theirs.
func (p *Process) Fallback(route string) *Metrics {
	m := newMetrics(p, Options{Route: route})
	p.watch(m.workerState)
	p.watch(m.breakers)
	return m
}

// with is labels beside that of the route.
func (m *Metrics) with(labels ...pair) []pair { return slices.Concat(m.route, labels) }

// WatchInFlight makes count the number of messages received and not settled. It is
// called once, before the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchInFlight(count func() int) {
	m.process.watch(func(to *exposition) {
		to.gauge("carrier_messages_in_flight", "Messages received and not settled.", float64(count()), m.route...)
	})
}

// WatchParked makes count the number of deferred messages that wait in flight to be posted again. It
// is called once, before the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchParked(count func() int) {
	m.process.watch(func(to *exposition) {
		to.gauge("carrier_messages_parked", "Deferred messages that wait under their leases, off the worker's slots, to be posted again; of those in flight.",
			float64(count()), m.route...)
	})
}

// WatchReceiving makes asked say whether the source is being asked for messages. It is called once,
// before the metrics are served; asked is safe for concurrent use.
func (m *Metrics) WatchReceiving(asked func() bool) {
	m.process.watch(func(to *exposition) {
		to.gauge("carrier_receiving", "1 while the source is asked for messages, or waited for after an error; 0 while nothing is wanted of it.",
			binary(asked()), m.route...)
	})
}

// WatchDeferrals makes count the number of messages that the receiver keeps away for longer
// than its source allows, which is 0 where none does. It is called at most once, before
// the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchDeferrals(count func() int64) { m.deferralsHeld = count }

// SetWorkerUp says whether the worker takes messages. It is down until it is said.
func (m *Metrics) SetWorkerUp(up bool) { m.workerUp.Store(up) }

// SetBreakerOpen says whether the breaker of endpoint is open.
func (m *Metrics) SetBreakerOpen(endpoint string, open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.breakersOpen == nil {
		m.breakersOpen = map[string]bool{}
	}
	m.breakersOpen[endpoint] = open
}

// SourceCall counts one request to the source.
func (m *Metrics) SourceCall(operation string) { m.calls.inc(operation) }

// SourceError counts one failure at the source.
func (m *Metrics) SourceError(operation string, class receiver.Class) {
	m.errors.inc(operation, string(class))
}

// Duplicate counts a message that was handed out again.
func (m *Metrics) Duplicate(cause string) { m.duplicates.inc(cause) }
