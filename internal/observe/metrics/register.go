package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

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
	m.settled = newCounters(m.registry, prometheus.CounterOpts{
		Name: "carrier_messages_settled_total", ConstLabels: of,
		Help: "Messages whose lease is over, by what became of them; lost where the source has not confirmed it.",
	}, label{"outcome", []string{"delivered", "deferred", "failed", "rejected", "returned", lost}})
	m.rejected = newCounters(m.registry, prometheus.CounterOpts{
		Name: "carrier_messages_rejected_total", ConstLabels: of,
		Help: "Messages that were rejected, by what became of them: retry leaves them to the source's redrive policy.",
	}, label{"action", []string{message.Redrive.String(), message.DeadLetter.String(), message.Drop.String()}})
	m.leftBehind = m.make.NewCounter(prometheus.CounterOpts{
		Name: "carrier_messages_left_to_redrive_total",
		Help: "Messages that were not delivered at their last receive: the source's redrive policy moves them.",
	})
	m.leasesLost = m.make.NewCounter(prometheus.CounterOpts{
		Name: "carrier_leases_lost_total",
		Help: "Messages that could not be settled because their lease was lost.",
	})
	m.extensions = newCounters(m.registry, prometheus.CounterOpts{
		Name: "carrier_lease_extensions_total",
		Help: "Renewals of a message's lease.",
	}, label{"result", []string{renewed, failed, lost}})
}

// worker adds what is known of the worker and of the attempts.
func (m *Metrics) worker(concurrency int) {
	m.attempts = newCounters(m.registry, prometheus.CounterOpts{
		Name: "carrier_attempts_total",
		Help: "Attempts to hand a message to the worker, by its answer.",
	}, label{"code", []string{"1xx", "2xx", "3xx", "4xx", "5xx", "timeout", refused, "error"}})
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
	m.workerUp = m.make.gauge("carrier_worker_up", "Whether the worker is known to take messages: 1 or 0.")
	m.breakerOpen = m.make.NewGaugeVec(prometheus.GaugeOpts{
		Name: "carrier_breaker_open",
		Help: "Whether the endpoint's breaker is open and nothing but probes is posted there: 1 or 0.",
	}, []string{"endpoint"})
	m.draining = m.make.gauge("carrier_draining", "Whether the drain has begun and no message is received any more: 1 or 0.")
	m.make.gauge("carrier_concurrency_limit", "Most messages the worker holds at once.").Set(float64(concurrency))
}

// source adds what is counted of the calls to the source.
func (m *Metrics) source(o Options) {
	m.calls = newCounters(m.registry, prometheus.CounterOpts{
		Name: "carrier_source_calls_total",
		Help: "Requests to the source.",
	}, label{"operation", o.Operations})
	var classes []string
	for _, class := range receiver.Classes() {
		classes = append(classes, string(class))
	}
	m.errors = newCounters(m.registry, prometheus.CounterOpts{
		Name: "carrier_source_errors_total",
		Help: "Requests to the source, or entries of a batch, that failed.",
	}, label{"operation", o.Operations}, label{"class", classes})
	m.duplicates = newCounters(m.registry, prometheus.CounterOpts{
		Name: "carrier_duplicates_total",
		Help: "Messages that the source delivered again although they were in flight or had been accepted by the worker.",
	}, label{"cause", append([]string{inFlight, undeleted}, o.Duplicates...)})
	m.deferralsHeld = func() int64 { return 0 }
	m.make.gaugeFunc("carrier_deferrals_held",
		"Messages kept away by renewing their leases, for longer than the source allows: on Pub/Sub beyond 600 s, 1000 at most; else 0.",
		func() float64 { return float64(m.deferralsHeld()) })
	m.lastReceive = m.make.gauge("carrier_last_receive_timestamp_seconds",
		"When a receive last returned without an error, with messages or without; 0 before the first.")
}

// A factory makes metrics that are registered.
type factory struct{ promauto.Factory }

func (f factory) gauge(name, help string) prometheus.Gauge {
	return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func (f factory) gaugeFunc(name, help string, value func() float64) {
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}
