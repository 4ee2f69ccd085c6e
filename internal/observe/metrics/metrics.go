// Package metrics counts what happens, for Prometheus: once for the process, and once for each of
// its routes.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

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
	registry prometheus.Registerer
	make     factory
	labelled bool

	received    prometheus.Counter
	settled     *counters
	rejected    *counters
	leftBehind  prometheus.Counter
	attempts    *counters
	took        prometheus.Histogram
	age         prometheus.Histogram
	extensions  *counters
	leasesLost  prometheus.Counter
	lastReceive prometheus.Gauge
	workerUp    prometheus.Gauge
	breakerOpen *prometheus.GaugeVec
	draining    prometheus.Gauge
	calls       *counters
	errors      *counters
	duplicates  *counters

	deferralsHeld func() int64
}

var _ receiver.Observer = (*Metrics)(nil)

// Route assembles the metrics of one route, every known label at 0.
func (p *Process) Route(o Options) *Metrics {
	var registry prometheus.Registerer = p.registry
	if o.Route != "" {
		registry = prometheus.WrapRegistererWith(prometheus.Labels{"route": o.Route}, registry)
	}
	m := &Metrics{registry: registry, make: factory{promauto.With(registry)}, labelled: o.Route != ""}
	m.messages(o)
	m.source(o)
	m.worker(o.Concurrency)
	return m
}

// WatchInFlight makes count the number of messages received and not settled. It is
// called once, before the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchInFlight(count func() int) {
	m.make.gaugeFunc("carrier_messages_in_flight", "Messages received and not settled.", func() float64 { return float64(count()) })
}

// WatchParked makes count the number of deferred messages that wait in flight to be posted again. It
// is called once, before the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchParked(count func() int) {
	m.make.gaugeFunc("carrier_messages_parked", "Deferred messages that wait under their leases, off the worker's slots, to be posted again; of those in flight.",
		func() float64 { return float64(count()) })
}

// WatchDeferrals makes count the number of messages that the receiver keeps away for longer
// than its source allows, which is 0 where none does. It is called at most once, before
// the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchDeferrals(count func() int64) { m.deferralsHeld = count }

// SetWorkerUp says whether the worker takes messages. It is down until it is said.
func (m *Metrics) SetWorkerUp(up bool) {
	if up {
		m.workerUp.Set(1)
		return
	}
	m.workerUp.Set(0)
}

// SetBreakerOpen says whether the breaker of endpoint is open.
func (m *Metrics) SetBreakerOpen(endpoint string, open bool) {
	value := 0.0
	if open {
		value = 1
	}
	m.breakerOpen.WithLabelValues(endpoint).Set(value)
}

// SourceCall counts one request to the source.
func (m *Metrics) SourceCall(operation string) { m.calls.inc(operation) }

// SourceError counts one failure at the source.
func (m *Metrics) SourceError(operation string, class receiver.Class) {
	m.errors.inc(operation, string(class))
}

// Duplicate counts a message that was handed out again.
func (m *Metrics) Duplicate(cause string) { m.duplicates.inc(cause) }
