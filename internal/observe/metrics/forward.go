package metrics

import (
	"sync/atomic"
	"time"
)

// Forwarding holds the numbers of the queue that a route's messages go to. It is safe for concurrent
// use.
type Forwarding struct {
	up   atomic.Bool
	took *histogram
}

// WatchForward adds the metrics of the queue that the route's messages go to, which are absent where
// they go to none. It is called at most once, before the metrics are served.
func (m *Metrics) WatchForward() *Forwarding {
	f := &Forwarding{took: newHistogram(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)}
	m.process.watch(func(to *exposition) {
		to.gauge("carrier_forward_up", "Whether the queue that messages are forwarded to takes them: 1 or 0.", binary(f.up.Load()), m.route...)
		f.took.collect(to, "carrier_forward_call_duration_seconds", "Time of one call that puts messages into the queue, those that failed included.", m.route...)
	})
	return f
}

// SetUp says whether the queue takes messages. It does not until it is said.
func (f *Forwarding) SetUp(up bool) { f.up.Store(up) }

// Called counts one call that puts messages into the queue.
func (f *Forwarding) Called(took time.Duration) { f.took.observe(took.Seconds()) }

// A Store counts what becomes of producers' messages that go to a queue before they are answered.
type Store struct{ stored, failed *counters }

// WatchStore adds what becomes of producers' messages, which is absent where they are kept in the queue
// file alone. Each of stored is a place for them and each of failed a cause why one is in none. It is
// called at most once, before the metrics are served.
func (p *Process) WatchStore(stored, failed []string) *Store {
	s := &Store{newCounters(label{"in", stored}), newCounters(label{"cause", failed})}
	p.watch(func(to *exposition) {
		s.stored.collect(to, "carrier_ingest_stored_total", "Messages of producers that are stored, by where: in the queue, or in the queue file beside it.")
		s.failed.collect(to, "carrier_ingest_store_failures_total",
			"Messages of producers that were not answered with 200 after the queue was asked, or the queue file beside it.")
	})
	return s
}

// Kept counts one message by one of the words that WatchStore was given.
func (s *Store) Kept(word string) {
	if s.stored.place([]string{word}) >= 0 {
		s.stored.inc(word)
		return
	}
	s.failed.inc(word)
}
