package metrics

import (
	"net/http"
	"runtime"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"carrier/receiver"
)

// A Process holds the numbers of the process, and serves them with those of its routes, on a registry
// of its own. It is safe for concurrent use.
type Process struct {
	registry *prometheus.Registry
	make     factory
	requests *counters
}

// NewProcess assembles the metrics of the process, and those of the Go runtime: they are read when
// they are asked for, and cost nothing between. version and commit are of the binary.
func NewProcess(version, commit string) *Process {
	registry := prometheus.NewRegistry()
	p := &Process{registry: registry, make: factory{promauto.With(registry)}}
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	p.make.NewGauge(prometheus.GaugeOpts{
		Name: "carrier_build_info", Help: "Always 1; its labels say which binary this is.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	}).Set(1)
	return p
}

// Handler serves the metrics, as Prometheus text or, where a scraper asks for it, as OpenMetrics.
func (p *Process) Handler() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// WatchLog makes dropped the number of log lines that could not be written. It is called once,
// before the metrics are served; dropped is safe for concurrent use.
func (p *Process) WatchLog(dropped func() uint64) {
	p.make.NewCounterFunc(prometheus.CounterOpts{
		Name: "carrier_log_lines_dropped_total",
		Help: "Log lines that were dropped because nobody read them.",
	}, func() float64 { return float64(dropped()) })
}

// WatchProducers adds the metrics of the ingest server, which all routes with the ingest receiver
// share; they are absent where none has it. It is called at most once, before the metrics are
// served; now is safe for concurrent use and is called once for each scrape.
func (p *Process) WatchProducers(now func() receiver.EmbeddedQueue) {
	p.requests = newCounters(p.registry, prometheus.CounterOpts{
		Name: "carrier_ingest_requests_total",
		Help: "Requests of producers, by the status they got.",
	}, label{"code", []string{"200", "400", "401", "404", "405", "408", "413", "422", "431", "503"}})
	p.registry.MustRegister(newProducersCollector(now))
}

// IngestRequest counts one answer to a producer. It is called with WatchProducers alone.
func (p *Process) IngestRequest(code int) { p.requests.inc(strconv.Itoa(code)) }
