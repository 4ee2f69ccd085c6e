package metrics

import (
	"runtime"
	"strconv"
	"sync"

	runtimemetrics "github.com/VictoriaMetrics/metrics"

	"carrier/internal/tracing"
	"carrier/receiver"
)

// A Process holds the numbers of the process, and serves them with those of its routes. It is safe
// for concurrent use.
type Process struct {
	build    []pair
	requests *counters

	mu      sync.Mutex
	watched []func(*exposition)
}

// NewProcess assembles the metrics of the process, and those of the Go runtime: they are read when
// they are asked for, and cost nothing between. version and commit are of the binary.
func NewProcess(version, commit string) *Process {
	runtimemetrics.ExposeMetadata(true) // of the runtime's metrics; for the whole process
	return &Process{build: []pair{{"version", version}, {"commit", commit}, {"goversion", runtime.Version()}}}
}

// watch makes collect add its metrics to each scrape. It is called by one scrape beside another.
func (p *Process) watch(collect func(*exposition)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watched = append(p.watched, collect)
}

// collect reads every number of carrier's own.
func (p *Process) collect() *exposition {
	p.mu.Lock()
	watched := p.watched
	p.mu.Unlock()
	to := newExposition()
	to.gauge("carrier_build_info", "Always 1; its labels say which binary this is.", 1, p.build...)
	for _, collect := range watched {
		collect(to)
	}
	return to
}

// WatchLog makes dropped the number of log lines that could not be written. It is called once,
// before the metrics are served; dropped is safe for concurrent use.
func (p *Process) WatchLog(dropped func() uint64) {
	p.watch(func(to *exposition) {
		to.counter("carrier_log_lines_dropped_total", "Log lines that were dropped because nobody read them.", float64(dropped()))
	})
}

// WatchSpans adds what became of the spans; the metrics are absent where none are made. It is called
// at most once, before the metrics are served; now is safe for concurrent use.
func (p *Process) WatchSpans(now func() tracing.Counts) {
	p.watch(func(to *exposition) {
		n := now()
		to.counter("carrier_spans_sent_total", "Spans that the OpenTelemetry collector took.", float64(n.Sent))
		const lost, help = "carrier_spans_lost_total", "Spans that the collector did not get."
		to.counter(lost, help, float64(n.Overflowed), pair{"cause", "queue_full"})
		to.counter(lost, help, float64(n.Refused), pair{"cause", "not_sent"})
	})
}

// WatchProducers adds the metrics of the ingest server, which all routes with the ingest receiver
// share; they are absent where none has it. It is called at most once, before the metrics are
// served; now is safe for concurrent use and is called once for each scrape.
func (p *Process) WatchProducers(now func() receiver.EmbeddedQueue) {
	p.requests = newCounters(label{"code", []string{"200", "400", "401", "404", "405", "408", "413", "422", "431", "503"}})
	p.watch(func(to *exposition) {
		q := now()
		p.requests.collect(to, "carrier_ingest_requests_total", "Requests of producers, by the status they got.")
		to.gauge("carrier_ingest_connections", "Open connections of producers.", float64(q.Connections))
		to.gauge("carrier_ingest_files_set_aside", "Damaged queue files in the data directory that were set aside.", float64(q.FilesSetAside))
		to.counter("carrier_ingest_removed_dropped_total", "Messages dropped with routes that are not configured any more.", float64(q.RemovedDropped))
	})
}

// IngestRequest counts one answer to a producer. It is called with WatchProducers alone.
func (p *Process) IngestRequest(code int) { p.requests.inc(strconv.Itoa(code)) }
