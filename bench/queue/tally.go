package queue

import (
	"maps"
	"sync"
	"time"
)

// A Tally counts the calls to a server. Its methods are safe for concurrent use.
type Tally struct {
	mu      sync.Mutex
	traffic Traffic
	spent   time.Duration
	timed   int
}

// Traffic is what a Tally tells.
type Traffic struct {
	Calls map[string]int `json:"calls"`
	// Empty counts receives that brought nothing.
	Empty int `json:"empty"`
	// FirstReceive is when the first receive came in, in nanoseconds since the epoch; 0
	// before.
	FirstReceive int64 `json:"first_receive"`
	// CallTime is what a call took on average, beside what a poll waited.
	CallTime time.Duration `json:"call_time"`
}

// Count counts a call that came in at a moment.
func (t *Tally) Count(operation string, receives bool, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.traffic.Calls == nil {
		t.traffic.Calls = map[string]int{}
	}
	t.traffic.Calls[operation]++
	if receives && t.traffic.FirstReceive == 0 {
		t.traffic.FirstReceive = at.UnixNano()
	}
}

// Empty counts a receive that brought nothing.
func (t *Tally) Empty() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.traffic.Empty++
}

// Spend notes how long a call took.
func (t *Tally) Spend(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spent += d
	t.timed++
}

// Read returns the counts as they stand.
func (t *Tally) Read() Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.traffic
	c.Calls, c.CallTime = maps.Clone(c.Calls), t.spent/time.Duration(max(t.timed, 1))
	return c
}
