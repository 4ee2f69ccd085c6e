package metrics

import (
	"time"

	"carrier/receiver"
)

// WatchIngest adds the metrics of what waits for the route in the embedded queue, which are absent
// with every other receiver. It is called at most once, before the metrics are served; now is safe
// for concurrent use and is called once for each scrape.
func (m *Metrics) WatchIngest(now func() receiver.EmbeddedQueue) {
	m.process.watch(func(to *exposition) {
		q := now()
		m.embeddedQueue(to, q)
		m.states(to, q)
		// What only a subscription among several can be comes with several.
		if len(m.route) > 0 {
			m.subscription(to, q)
		}
	})
}

// embeddedQueue adds how much the queue holds.
func (m *Metrics) embeddedQueue(to *exposition, q receiver.EmbeddedQueue) {
	to.gauge("carrier_ingest_queue_messages", "Messages in the embedded queue, dead letters left out.", float64(q.Messages), m.route...)
	to.gauge("carrier_ingest_queue_bytes", "Bytes of the messages in the embedded queue, dead letters left out.", float64(q.Bytes), m.route...)
	to.gauge("carrier_ingest_queue_messages_limit", "Most messages that the embedded queue holds.", float64(q.MaxMessages), m.route...)
	to.gauge("carrier_ingest_queue_bytes_limit", "Most bytes of messages that the embedded queue holds.", float64(q.MaxBytes), m.route...)
	to.gauge("carrier_ingest_oldest_seconds", "Age of the oldest message that is due; 0 where none is.", age(q), m.route...)
	to.gauge("carrier_dead_letters", "Dead letters in the embedded queue.", float64(q.DeadLetters), m.route...)
	to.counter("carrier_dead_letters_dropped_total", "Dead letters dropped for want of space.", float64(q.DeadLettersDropped), m.route...)
}

// subscription adds what was taken from the route, and whether it was given up.
func (m *Metrics) subscription(to *exposition, q receiver.EmbeddedQueue) {
	const (
		evicted = "carrier_subscription_evicted_total"
		help    = "Messages taken away from the route for want of space, or since it was offline, by what became of them."
	)
	to.counter(evicted, help, float64(q.EvictedDropped), m.with(pair{"action", "drop"})...)
	to.counter(evicted, help, float64(q.EvictedDead), m.with(pair{"action", "dead-letter"})...)
	to.gauge("carrier_subscription_offline", "Whether nothing is stored for the route since it was offline for too long: 1 or 0.", binary(q.Offline), m.route...)
}

// states adds what the queue's messages wait for.
func (m *Metrics) states(to *exposition, q receiver.EmbeddedQueue) {
	for _, s := range []struct {
		state string
		n     int
	}{{"ready", q.Ready}, {"delayed", q.Delayed}, {"backing_off", q.BackingOff}, {"in_flight", q.InFlight}} {
		to.gauge("carrier_ingest_messages",
			"Messages in the embedded queue, by state: ready are due, delayed wait as their producer asked, backing_off after a failure or a deferral.",
			float64(s.n), m.with(pair{"state", s.state})...)
	}
}

// binary is 1 for true and 0 for false.
func binary(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func age(q receiver.EmbeddedQueue) float64 {
	if q.Oldest.IsZero() {
		return 0
	}
	return max(time.Since(q.Oldest), 0).Seconds()
}
