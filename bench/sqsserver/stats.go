package main

import "carrier/bench/queue"

// stats is what the runner is told.
type stats struct {
	queue.Counts
	queue.Traffic
	// Faults counts those that were made.
	Faults map[string]uint64 `json:"faults"`
	// Sent counts the messages that were sent here, which are not kept.
	Sent uint64 `json:"sent"`
}

func (s *service) stats() stats {
	return stats{
		Counts: s.queue.Stats(), Traffic: s.tally.Read(), Sent: s.taken.n.Load(),
		Faults: map[string]uint64{
			"throttled":     s.faults.throttle.taken.Load(),
			"drop_before":   s.faults.dropBefore.taken.Load(),
			"drop_after":    s.faults.dropAfter.taken.Load(),
			"delete_failed": s.faults.failDelete.taken.Load(),
		},
	}
}
