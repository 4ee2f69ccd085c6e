// Package metrics counts what happens, for Prometheus.
package metrics

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"carrier/receiver"
)

// Options is what the metrics are made of.
type Options struct {
	// Receiver is the receiver's name: the value of the receiver label.
	Receiver string
	// Concurrency is the most messages the worker holds at once.
	Concurrency int
	// Version and Commit are of the binary.
	Version, Commit string
	// Operations are the operations the receiver tells its Observer of; each is there
	// from the start, at 0.
	Operations []string
	// Duplicates are the causes the receiver tells its Observer of, likewise.
	Duplicates []string
}

// Metrics holds every number, on a registry of its own. It is safe for concurrent use, and no method
// blocks. It is a receiver.Observer.
type Metrics struct {
	registry *prometheus.Registry
	make     promauto.Factory

	received    prometheus.Counter
	settled     counters
	rejected    counters
	leftBehind  prometheus.Counter
	attempts    counters
	took        prometheus.Histogram
	age         prometheus.Histogram
	extensions  counters
	leasesLost  prometheus.Counter
	lastReceive prometheus.Gauge
	workerUp    prometheus.Gauge
	breakerOpen *prometheus.GaugeVec
	draining    prometheus.Gauge
	calls       counters
	errors      *prometheus.CounterVec
	duplicates  counters
	requests    counters

	deferralsHeld func() int64
}

var _ receiver.Observer = (*Metrics)(nil)

// New assembles the metrics, every known label at 0, and those of the Go runtime and the
// process: they are read when they are asked for, and cost nothing between.
func New(o Options) *Metrics {
	registry := prometheus.NewRegistry()
	m := &Metrics{registry: registry, make: promauto.With(registry)}
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.messages(o)
	m.source(o)
	m.worker(o.Concurrency)
	m.build(o.Version, o.Commit)
	return m
}

// Handler serves the metrics, as Prometheus text or, where a scraper asks for it, as OpenMetrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// WatchInFlight makes count the number of messages received and not settled. It is
// called once, before the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchInFlight(count func() int) {
	m.gaugeFunc("carrier_messages_in_flight", "Messages received and not settled.", func() float64 { return float64(count()) })
}

// WatchDeferrals makes count the number of messages that the receiver keeps away for longer
// than its source allows, which is 0 where none does. It is called at most once, before
// the metrics are served; count is safe for concurrent use.
func (m *Metrics) WatchDeferrals(count func() int64) { m.deferralsHeld = count }

// WatchLog makes dropped the number of log lines that could not be written. It is called once,
// before the metrics are served; dropped is safe for concurrent use.
func (m *Metrics) WatchLog(dropped func() uint64) {
	m.make.NewCounterFunc(prometheus.CounterOpts{
		Name: "carrier_log_lines_dropped_total",
		Help: "Log lines that were dropped because nobody read them.",
	}, func() float64 { return float64(dropped()) })
}

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

// IngestRequest counts one answer to a producer. It is called with WatchIngest alone.
func (m *Metrics) IngestRequest(code int) { m.requests.inc(strconv.Itoa(code)) }

// SourceCall counts one request to the source.
func (m *Metrics) SourceCall(operation string) { m.calls.inc(operation) }

// SourceError counts one failure at the source.
func (m *Metrics) SourceError(operation string, class receiver.Class) {
	m.errors.WithLabelValues(operation, string(class)).Inc()
}

// Duplicate counts a message that was handed out again.
func (m *Metrics) Duplicate(cause string) { m.duplicates.inc(cause) }
