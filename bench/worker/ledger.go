package main

import (
	"sync"
	"time"

	"carrier/bench/load"
)

// A ledger keeps the books on what was posted. All its methods are safe for concurrent use.
type ledger struct {
	mu       sync.Mutex
	marks    []mark
	stats    stats
	inFlight int
	latency  load.Histogram
}

// A mark is what is known of one message.
type mark struct {
	accepted bool
	posting  bool  // a POST of it is under way
	notUntil int64 // the end of its Retry-After, in nanoseconds since the epoch
}

// stats is what the runner is told. Each POST is counted in Posts and, once it is
// answered, in one of Accepted, Deferred, Failed and Dropped.
type stats struct {
	Posts    int `json:"posts"`
	Accepted int `json:"accepted"`
	Deferred int `json:"deferred"`
	Failed   int `json:"failed"`
	Dropped  int `json:"dropped"`

	Distinct   int `json:"distinct"`   // messages accepted at least once
	Duplicates int `json:"duplicates"` // messages accepted again
	AtOnce     int `json:"at_once"`    // posted while another POST of the same was under way
	Early      int `json:"early"`      // posted before its Retry-After was over
	CutOff     int `json:"cut_off"`    // connections closed before the answer was complete
	WrongSize  int `json:"wrong_size"` // bodies of another length than ordered, or unreadable

	InFlight     int           `json:"in_flight"`
	MostInFlight int           `json:"most_in_flight"`
	Busy         time.Duration `json:"busy"` // time spent on POSTs, added up over all of them

	FirstPost int64 `json:"first_post"` // nanoseconds since the epoch; 0 before
	LastPost  int64 `json:"last_post"`

	// From being sent to the first POST, of what was posted since the last /mark.
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	Max   time.Duration `json:"max"`
	Timed uint64        `json:"timed"`
}

// enter notes the arrival of message n, sent at a moment in nanoseconds since the
// epoch, and returns its place in the order of all POSTs.
func (l *ledger) enter(n uint64, sent, now int64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.mark(n)
	if m.posting {
		l.stats.AtOnce++
	}
	if now < m.notUntil {
		l.stats.Early++
	}
	if !m.accepted && m.notUntil == 0 {
		l.latency.Add(time.Duration(now - sent))
	}
	m.posting = true
	l.inFlight++
	l.stats.MostInFlight = max(l.stats.MostInFlight, l.inFlight)
	if l.stats.FirstPost == 0 {
		l.stats.FirstPost = now
	}
	l.stats.LastPost = now
	l.stats.Posts++
	return l.stats.Posts
}

// leave notes how a POST ended that came in at since.
func (l *ledger) leave(n uint64, since, now int64, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.mark(n)
	m.posting = false
	l.inFlight--
	l.stats.Busy += time.Duration(now - since)
	switch a.kind {
	case accept:
		l.stats.Accepted++
		if m.accepted {
			l.stats.Duplicates++
		} else {
			l.stats.Distinct++
		}
		m.accepted = true
	case postpone:
		l.stats.Deferred++
		m.notUntil = now + int64(a.retryAfter)
	case fail:
		l.stats.Failed++
	case drop:
		l.stats.Dropped++
	}
}

func (l *ledger) cutOff() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.CutOff++
}

func (l *ledger) wrongSize() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.WrongSize++
}

// mark returns what is known of message n. The lock is held.
func (l *ledger) mark(n uint64) *mark {
	for n >= uint64(len(l.marks)) {
		l.marks = append(l.marks, make([]mark, len(l.marks)+1024)...)
	}
	return &l.marks[n]
}

// read returns the books as they stand.
func (l *ledger) read() stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.InFlight = l.inFlight
	s.P50, s.P99, s.Max = l.latency.Quantile(0.5), l.latency.Quantile(0.99), l.latency.Quantile(1)
	s.Timed = l.latency.Count()
	return s
}

// forget begins a new window for latencies.
func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latency.Reset()
}
