package main

import "sync/atomic"

// faults are shares of calls, or of entries, that go wrong: each of them 0 to 1, spread
// evenly and the same in every run.
type faults struct {
	throttle   share // calls answered with RequestThrottled, and not carried out
	dropBefore share // calls whose connection is closed, not carried out
	dropAfter  share // calls carried out, whose connection is closed in place of an answer
	failDelete share // entries of DeleteMessageBatch that come back as Failed, not deleted
}

// A share picks every so many-th.
type share struct {
	of    float64
	asked atomic.Uint64
	taken atomic.Uint64
}

// pick reports whether this one is among the share.
func (s *share) pick() bool {
	if s.of <= 0 {
		return false
	}
	n := s.asked.Add(1)
	if uint64(float64(n)*s.of) == uint64(float64(n-1)*s.of) {
		return false
	}
	s.taken.Add(1)
	return true
}
