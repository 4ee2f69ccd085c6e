package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"carrier/receiver"
)

// WatchIngest adds the metrics of the embedded queue and its producers, which are absent with every
// other receiver. It is called at most once, before the metrics are served; now is safe for
// concurrent use and is called once for each scrape.
func (m *Metrics) WatchIngest(now func() receiver.EmbeddedQueue) {
	m.requests = m.counters(prometheus.CounterOpts{
		Name: "carrier_ingest_requests_total",
		Help: "Requests of producers, by the status they got.",
	}, "code", "200", "400", "401", "404", "405", "408", "413", "422", "431", "503")
	m.registry.MustRegister(newIngestCollector(now))
}

// An ingestCollector reads everything at the same moment.
type ingestCollector struct {
	now     func() receiver.EmbeddedQueue
	single  []single
	byState *prometheus.Desc
}

// A single is a metric without labels.
type single struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(receiver.EmbeddedQueue) float64
}

func newIngestCollector(now func() receiver.EmbeddedQueue) *ingestCollector {
	c := &ingestCollector{now: now, byState: prometheus.NewDesc("carrier_ingest_messages",
		"Messages in the embedded queue, by state: ready are due, delayed wait as their producer asked, backing_off after a failure or a deferral.",
		[]string{"state"}, nil)}
	add := func(kind prometheus.ValueType, name, help string, value func(receiver.EmbeddedQueue) float64) {
		c.single = append(c.single, single{prometheus.NewDesc(name, help, nil, nil), kind, value})
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	add(gauge, "carrier_ingest_queue_messages", "Messages in the embedded queue, dead letters left out.", func(q receiver.EmbeddedQueue) float64 { return float64(q.Messages) })
	add(gauge, "carrier_ingest_queue_bytes", "Bytes of the messages in the embedded queue, dead letters left out.", func(q receiver.EmbeddedQueue) float64 { return float64(q.Bytes) })
	add(gauge, "carrier_ingest_queue_messages_limit", "Most messages that the embedded queue holds.", func(q receiver.EmbeddedQueue) float64 { return float64(q.MaxMessages) })
	add(gauge, "carrier_ingest_queue_bytes_limit", "Most bytes of messages that the embedded queue holds.", func(q receiver.EmbeddedQueue) float64 { return float64(q.MaxBytes) })
	add(gauge, "carrier_ingest_oldest_seconds", "Age of the oldest message that is due; 0 where none is.", age)
	add(gauge, "carrier_ingest_connections", "Open connections of producers.", func(q receiver.EmbeddedQueue) float64 { return float64(q.Connections) })
	add(gauge, "carrier_ingest_files_set_aside", "Damaged queue files in the data directory that were set aside.", func(q receiver.EmbeddedQueue) float64 { return float64(q.FilesSetAside) })
	add(gauge, "carrier_dead_letters", "Dead letters in the embedded queue.", func(q receiver.EmbeddedQueue) float64 { return float64(q.DeadLetters) })
	add(counter, "carrier_dead_letters_dropped_total", "Dead letters dropped for want of space.", func(q receiver.EmbeddedQueue) float64 { return float64(q.DeadLettersDropped) })
	return c
}

func age(q receiver.EmbeddedQueue) float64 {
	if q.Oldest.IsZero() {
		return 0
	}
	return max(time.Since(q.Oldest), 0).Seconds()
}

// Describe lists the metrics.
func (c *ingestCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.byState
	for _, s := range c.single {
		descs <- s.desc
	}
}

// Collect reads the values.
func (c *ingestCollector) Collect(values chan<- prometheus.Metric) {
	now := c.now()
	for state, n := range map[string]int{
		"ready": now.Ready, "delayed": now.Delayed, "backing_off": now.BackingOff, "in_flight": now.InFlight,
	} {
		values <- prometheus.MustNewConstMetric(c.byState, prometheus.GaugeValue, float64(n), state)
	}
	for _, s := range c.single {
		values <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(now))
	}
}
