package main

// scenarios lists everything that is measured, in the order of the report.
func scenarios() []scenario {
	return []scenario{
		throughput(1, false), throughput(10, true), throughput(40, true), throughput(1000, false),
		slow(10, true), slow(40, false), bimodal(),
		deferred(), faults(), offered(), pubsub(), pubsubSlow(),
		disk(), ingest(1, false), ingest(8, false), ingest(64, true), ingest(512, false), ingestSlowDisk(64, true), backlog(),
		idle(), large(), stopping(), startup(), sizes(),
		processors(), collector(),
	}
}
