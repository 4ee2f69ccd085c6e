package metrics

import (
	"maps"
	"slices"

	"carrier/message"
	"carrier/receiver"
)

// newMetrics has every known label of a route at 0.
func newMetrics(p *Process, o Options) *Metrics {
	var classes []string
	for _, class := range receiver.Classes() {
		classes = append(classes, string(class))
	}
	m := &Metrics{
		process: p, receiver: pair{"receiver", o.Receiver}, concurrency: o.Concurrency,
		settled:    newCounters(label{"outcome", []string{"delivered", "deferred", "failed", "rejected", "returned", lost}}),
		rejected:   newCounters(label{"action", []string{message.Redrive.String(), message.DeadLetter.String(), message.Drop.String()}}),
		extensions: newCounters(label{"result", []string{renewed, failed, lost}}),
		attempts:   newCounters(label{"code", []string{"1xx", "2xx", "3xx", "4xx", "5xx", "timeout", refused, "error"}}),
		calls:      newCounters(label{"operation", o.Operations}),
		errors:     newCounters(label{"operation", o.Operations}, label{"class", classes}),
		duplicates: newCounters(label{"cause", append([]string{inFlight, undeleted}, o.Duplicates...)}),
		took:       newHistogram(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300),
		age:        newHistogram(.1, .5, 1, 5, 15, 60, 300, 900, 3600, 4*3600, 12*3600, 24*3600),

		deferralsHeld: func() int64 { return 0 },
	}
	if o.Route != "" {
		m.route = []pair{{"route", o.Route}}
	}
	return m
}

// messages adds what is counted of the messages themselves.
func (m *Metrics) messages(to *exposition) {
	of := m.with(m.receiver)
	to.counter("carrier_messages_received_total", "Messages received, each time that the source delivered one.", float64(m.received.Load()), of...)
	m.settled.collect(to, "carrier_messages_settled_total",
		"Messages whose lease is over, by what became of them; lost where the source has not confirmed it.", of...)
	m.rejected.collect(to, "carrier_messages_rejected_total",
		"Messages that were rejected, by what became of them: retry leaves them to the source's redrive policy.", of...)
	to.counter("carrier_messages_left_to_redrive_total",
		"Messages that were not delivered at their last receive: the source's redrive policy moves them.", float64(m.leftBehind.Load()), m.route...)
	to.counter("carrier_leases_lost_total", "Messages that could not be settled because their lease was lost.", float64(m.leasesLost.Load()), m.route...)
	m.extensions.collect(to, "carrier_lease_extensions_total", "Renewals of a message's lease.", m.route...)
}

// worker adds what is known of the worker and of the attempts.
func (m *Metrics) worker(to *exposition) {
	m.attempts.collect(to, "carrier_attempts_total", "Attempts to hand a message to the worker, by its answer.", m.route...)
	m.took.collect(to, "carrier_attempt_duration_seconds", "Time of one attempt, those that were refused left out.", m.route...)
	m.age.collect(to, "carrier_message_age_seconds",
		"Time from a message's entering the queue, or from the end of the delay its producer asked for, to the start of an attempt, those that were refused left out.", m.route...)
	to.gauge("carrier_draining", "Whether the drain has begun and no message is received any more: 1 or 0.", binary(m.draining.Load()), m.route...)
	to.gauge("carrier_concurrency_limit", "Most messages the worker holds at once.", float64(m.concurrency), m.route...)
}

// workerState adds whether the worker takes messages.
func (m *Metrics) workerState(to *exposition) {
	to.gauge("carrier_worker_up", "Whether the worker is known to take messages: 1 or 0.", binary(m.workerUp.Load()), m.route...)
}

// breakers adds the state of each breaker that was told of.
func (m *Metrics) breakers(to *exposition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, endpoint := range slices.Sorted(maps.Keys(m.breakersOpen)) {
		to.gauge("carrier_breaker_open", "Whether the endpoint's breaker is open and nothing but probes is posted there: 1 or 0.",
			binary(m.breakersOpen[endpoint]), m.with(pair{"endpoint", endpoint})...)
	}
}

// source adds what is counted of the calls to the source.
func (m *Metrics) source(to *exposition) {
	m.calls.collect(to, "carrier_source_calls_total", "Requests to the source.", m.route...)
	m.errors.collect(to, "carrier_source_errors_total", "Requests to the source, or entries of a batch, that failed.", m.route...)
	m.duplicates.collect(to, "carrier_duplicates_total",
		"Messages that the source delivered again although they were in flight or had been accepted by the worker.", m.route...)
	to.gauge("carrier_deferrals_held",
		"Messages kept away by renewing their leases, for longer than the source allows: on Pub/Sub beyond 600 s, 1000 at most; else 0.",
		float64(m.deferralsHeld()), m.route...)
	to.gauge("carrier_last_receive_timestamp_seconds",
		"When a receive last returned without an error, with messages or without; 0 before the first.", float64(m.lastReceive.Load())/1e9, m.route...)
}
