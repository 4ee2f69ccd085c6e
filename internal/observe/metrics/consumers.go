package metrics

// WatchConsumers adds what consumers ask for and hold, which is absent where they do not ask for the
// route's messages. It is called at most once, before the metrics are served; now is safe for
// concurrent use and is called once for each scrape.
func (m *Metrics) WatchConsumers(now func() (wanted, held int)) {
	m.process.watch(func(to *exposition) {
		wanted, held := now()
		to.gauge("carrier_consumer_wanted", "Messages that consumers ask for now, and have not been handed.", float64(wanted), m.route...)
		to.gauge("carrier_consumer_held", "Messages that consumers hold, and have given no verdict on.", float64(held), m.route...)
	})
}

// WatchWorkerAPI adds what is open at the worker address, which all routes share; it is absent where
// there is none. It is called at most once, before the metrics are served; now is safe for concurrent
// use and is called once for each scrape.
func (p *Process) WatchWorkerAPI(now func() (waits, streams int)) {
	p.watch(func(to *exposition) {
		waits, streams := now()
		to.gauge("carrier_consumer_waits", "Requests that wait for messages.", float64(waits))
		to.gauge("carrier_consumer_streams", "Open streams.", float64(streams))
	})
}
