package metrics

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"carrier/message"
	"carrier/receiver"
)

// messages adds what is counted of the messages themselves.
func (m *Metrics) messages(o Options) {
	of := prometheus.Labels{"receiver": o.Receiver}
	m.received = m.make.NewCounter(prometheus.CounterOpts{
		Name: "carrier_messages_received_total", ConstLabels: of,
		Help: "Messages received, each time that the source delivered one.",
	})
	m.settled = m.counters(prometheus.CounterOpts{
		Name: "carrier_messages_settled_total", ConstLabels: of,
		Help: "Messages whose lease is over, by what became of them; lost where the source has not confirmed it.",
	}, "outcome", "delivered", "deferred", "failed", "rejected", "returned", lost)
	m.rejected = m.counters(prometheus.CounterOpts{
		Name: "carrier_messages_rejected_total", ConstLabels: of,
		Help: "Messages that were rejected, by what became of them: retry leaves them to the source's redrive policy.",
	}, "action", message.Redrive.String(), message.DeadLetter.String(), message.Drop.String())
	m.leftBehind = m.make.NewCounter(prometheus.CounterOpts{
		Name: "carrier_messages_left_to_redrive_total",
		Help: "Messages that were not delivered at their last receive: the source's redrive policy moves them.",
	})
	m.leasesLost = m.make.NewCounter(prometheus.CounterOpts{
		Name: "carrier_leases_lost_total",
		Help: "Messages that could not be settled because their lease was lost.",
	})
	m.extensions = m.counters(prometheus.CounterOpts{
		Name: "carrier_lease_extensions_total",
		Help: "Renewals of a message's lease.",
	}, "result", renewed, failed, lost)
}

// worker adds what is known of the worker and of the attempts.
func (m *Metrics) worker(concurrency int) {
	m.attempts = m.counters(prometheus.CounterOpts{
		Name: "carrier_attempts_total",
		Help: "Attempts to hand a message to the worker, by its answer.",
	}, "code", "1xx", "2xx", "3xx", "4xx", "5xx", "timeout", refused, "error")
	m.took = m.make.NewHistogram(prometheus.HistogramOpts{
		Name:    "carrier_attempt_duration_seconds",
		Help:    "Time of one attempt, those that were refused left out.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
	})
	m.age = m.make.NewHistogram(prometheus.HistogramOpts{
		Name:    "carrier_message_age_seconds",
		Help:    "Time from a message's entering the queue, or from the end of the delay its producer asked for, to the start of an attempt, those that were refused left out.",
		Buckets: []float64{.1, .5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600},
	})
	m.workerUp = m.gauge("carrier_worker_up", "Whether the worker is known to take messages: 1 or 0.")
	m.breakerOpen = m.make.NewGaugeVec(prometheus.GaugeOpts{
		Name: "carrier_breaker_open",
		Help: "Whether the endpoint's breaker is open and nothing but probes is posted there: 1 or 0.",
	}, []string{"endpoint"})
	m.draining = m.gauge("carrier_draining", "Whether the drain has begun and no message is received any more: 1 or 0.")
	m.gauge("carrier_concurrency_limit", "Most messages the worker holds at once.").Set(float64(concurrency))
}

// source adds what is counted of the calls to the source.
func (m *Metrics) source(o Options) {
	m.calls = m.counters(prometheus.CounterOpts{
		Name: "carrier_source_calls_total",
		Help: "Requests to the source.",
	}, "operation", o.Operations...)
	m.errors = m.make.NewCounterVec(prometheus.CounterOpts{
		Name: "carrier_source_errors_total",
		Help: "Requests to the source, or entries of a batch, that failed.",
	}, []string{"operation", "class"})
	for _, operation := range o.Operations {
		for _, class := range receiver.Classes() {
			m.errors.WithLabelValues(operation, string(class))
		}
	}
	m.duplicates = m.counters(prometheus.CounterOpts{
		Name: "carrier_duplicates_total",
		Help: "Messages that the source delivered again although they were in flight or had been accepted by the worker.",
	}, "cause", append([]string{inFlight, undeleted}, o.Duplicates...)...)
	m.deferralsHeld = func() int64 { return 0 }
	m.gaugeFunc("carrier_deferrals_held",
		"Messages kept away by renewing their leases, for longer than the source allows: on Pub/Sub beyond 600 s, 1000 at most; else 0.",
		func() float64 { return float64(m.deferralsHeld()) })
	m.lastReceive = m.gauge("carrier_last_receive_timestamp_seconds",
		"When a receive last returned without an error, with messages or without; 0 before the first.")
}

// build adds the gauge that says which binary this is.
func (m *Metrics) build(version, commit string) {
	m.make.NewGauge(prometheus.GaugeOpts{
		Name: "carrier_build_info", Help: "Always 1; its labels say which binary this is.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	}).Set(1)
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	return m.make.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func (m *Metrics) gaugeFunc(name, help string, value func() float64) {
	m.make.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

// counters is a counter with one label. The children of the values known from the start
// are looked up once, since some of them count every message.
type counters struct {
	vec   *prometheus.CounterVec
	known map[string]prometheus.Counter
}

// counters adds a counter with one label, each of values at 0.
func (m *Metrics) counters(o prometheus.CounterOpts, label string, values ...string) counters {
	c := counters{vec: m.make.NewCounterVec(o, []string{label}), known: map[string]prometheus.Counter{}}
	for _, value := range values {
		c.known[value] = c.vec.WithLabelValues(value)
	}
	return c
}

// inc counts one of value. The zero counters counts nothing.
func (c counters) inc(value string) {
	if counter, ok := c.known[value]; ok {
		counter.Inc()
	} else if c.vec != nil {
		c.vec.WithLabelValues(value).Inc()
	}
}
