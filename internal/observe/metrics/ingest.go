package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"carrier/receiver"
)

// WatchIngest adds the metrics of what waits for the route in the embedded queue, which are absent
// with every other receiver. It is called at most once, before the metrics are served; now is safe
// for concurrent use and is called once for each scrape.
func (m *Metrics) WatchIngest(now func() receiver.EmbeddedQueue) {
	m.registry.MustRegister(newIngestCollector(now, m.labelled))
}

// An ingestCollector reads everything at the same moment.
type ingestCollector struct {
	now     func() receiver.EmbeddedQueue
	single  []single
	byState *prometheus.Desc // nil: not by state
}

// A single is a metric without labels.
type single struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(receiver.EmbeddedQueue) float64
}

// newProducersCollector reads what belongs to the server, whatever the route.
func newProducersCollector(now func() receiver.EmbeddedQueue) *ingestCollector {
	c := &ingestCollector{now: now}
	c.add(prometheus.GaugeValue, "carrier_ingest_connections", "Open connections of producers.", func(q receiver.EmbeddedQueue) float64 { return float64(q.Connections) })
	c.add(prometheus.GaugeValue, "carrier_ingest_files_set_aside", "Damaged queue files in the data directory that were set aside.", func(q receiver.EmbeddedQueue) float64 { return float64(q.FilesSetAside) })
	return c
}

func (c *ingestCollector) add(kind prometheus.ValueType, name, help string, value func(receiver.EmbeddedQueue) float64) {
	c.single = append(c.single, single{prometheus.NewDesc(name, help, nil, nil), kind, value})
}

// newIngestCollector reads what one route has. What only a subscription among several can be comes
// with several.
func newIngestCollector(now func() receiver.EmbeddedQueue, several bool) *ingestCollector {
	c := &ingestCollector{now: now, byState: prometheus.NewDesc("carrier_ingest_messages",
		"Messages in the embedded queue, by state: ready are due, delayed wait as their producer asked, backing_off after a failure or a deferral.",
		[]string{"state"}, nil)}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	c.add(gauge, "carrier_ingest_queue_messages", "Messages in the embedded queue, dead letters left out.", func(q receiver.EmbeddedQueue) float64 { return float64(q.Messages) })
	c.add(gauge, "carrier_ingest_queue_bytes", "Bytes of the messages in the embedded queue, dead letters left out.", func(q receiver.EmbeddedQueue) float64 { return float64(q.Bytes) })
	c.add(gauge, "carrier_ingest_queue_messages_limit", "Most messages that the embedded queue holds.", func(q receiver.EmbeddedQueue) float64 { return float64(q.MaxMessages) })
	c.add(gauge, "carrier_ingest_queue_bytes_limit", "Most bytes of messages that the embedded queue holds.", func(q receiver.EmbeddedQueue) float64 { return float64(q.MaxBytes) })
	c.add(gauge, "carrier_ingest_oldest_seconds", "Age of the oldest message that is due; 0 where none is.", age)
	c.add(gauge, "carrier_dead_letters", "Dead letters in the embedded queue.", func(q receiver.EmbeddedQueue) float64 { return float64(q.DeadLetters) })
	c.add(counter, "carrier_dead_letters_dropped_total", "Dead letters dropped for want of space.", func(q receiver.EmbeddedQueue) float64 { return float64(q.DeadLettersDropped) })
	if several {
		c.add(counter, "carrier_subscription_evicted_total", "Messages taken away from the route for want of space, or since it was offline.", func(q receiver.EmbeddedQueue) float64 { return float64(q.Evicted) })
		c.add(gauge, "carrier_subscription_offline", "Whether nothing is stored for the route since it was offline for too long: 1 or 0.", offline)
	}
	return c
}

func offline(q receiver.EmbeddedQueue) float64 {
	if q.Offline {
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

// Describe lists the metrics.
func (c *ingestCollector) Describe(descs chan<- *prometheus.Desc) {
	if c.byState != nil {
		descs <- c.byState
	}
	for _, s := range c.single {
		descs <- s.desc
	}
}

// Collect reads the values.
func (c *ingestCollector) Collect(values chan<- prometheus.Metric) {
	now := c.now()
	if c.byState != nil {
		c.collectStates(values, now)
	}
	for _, s := range c.single {
		values <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(now))
	}
}

func (c *ingestCollector) collectStates(values chan<- prometheus.Metric, now receiver.EmbeddedQueue) {
	for state, n := range map[string]int{
		"ready": now.Ready, "delayed": now.Delayed, "backing_off": now.BackingOff, "in_flight": now.InFlight,
	} {
		values <- prometheus.MustNewConstMetric(c.byState, prometheus.GaugeValue, float64(n), state)
	}
}
