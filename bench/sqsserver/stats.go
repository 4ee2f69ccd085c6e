package main

import (
	"maps"
	"time"
)

// stats is what the runner is told.
type stats struct {
	counts
	Calls map[string]int `json:"calls"`
	// Empty counts receives that brought nothing.
	Empty int `json:"empty"`
	// FirstReceive is when the first ReceiveMessage came in, in nanoseconds since the
	// epoch; 0 before.
	FirstReceive int64 `json:"first_receive"`
	// CallTime is what a call took on average, beside what a poll waited.
	CallTime time.Duration `json:"call_time"`
	// Faults counts those that were made.
	Faults map[string]uint64 `json:"faults"`
}

func (s *service) stats() stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return stats{
		counts: s.queue.stats(), Calls: maps.Clone(s.calls), Empty: s.empty,
		FirstReceive: s.firstReceive, CallTime: s.spent / time.Duration(max(s.timed, 1)),
		Faults: map[string]uint64{
			"throttled":     s.faults.throttle.taken.Load(),
			"drop_before":   s.faults.dropBefore.taken.Load(),
			"drop_after":    s.faults.dropAfter.taken.Load(),
			"delete_failed": s.faults.failDelete.taken.Load(),
		},
	}
}
