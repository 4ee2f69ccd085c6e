package dispatch

import (
	"sync"
	"time"
)

// maxCallTime bounds what is taken for the time of a receive call: with a clock that is off, a long
// poll that waited could be taken for a slow call.
const maxCallTime = time.Second

// A prefetchEstimate measures how long a receive call and an attempt take, to know how many
// messages the worker finishes during one receive.
type prefetchEstimate struct {
	concurrency int
	limit       int // most messages to receive ahead
	receivers   int // most receives open at once

	mu      sync.Mutex
	call    time.Duration
	spread  time.Duration // how far calls are from call, on average
	attempt time.Duration
}

// received notes a receive, where it tells how long a call takes: one that came back full with
// messages that were there before it began has not waited for them.
func (p *prefetchEstimate) received(got received) {
	if len(got.batch) < got.asked {
		return
	}
	for _, m := range got.batch {
		if m.ReceiveCount > 1 || m.Sent.After(got.begun) {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	took := min(got.took, maxCallTime)
	if p.call > 0 {
		p.spread += ((took - p.call).Abs() - p.spread) / 8
	}
	p.call = average(p.call, took)
}

// attempted notes how long one attempt took.
func (p *prefetchEstimate) attempted(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempt = average(p.attempt, took)
}

// ahead is how many messages the worker finishes from the moment a place is free until a message
// for it has come. That takes one receive, and before it, since all that may be open are, the wait
// until the next of them returns. A receive is taken to last as long as nearly all of them do: with
// the mean, every second one would find the worker idle. It is zero for work so slow that not one
// is finished during a receive, and until both were measured.
func (p *prefetchEstimate) ahead() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.call == 0 || p.attempt == 0 {
		return 0
	}
	call := p.call + 2*p.spread
	during := int(float64(p.concurrency) * float64(call) / float64(p.attempt))
	before := (during + p.receivers - 1) / p.receivers
	return min(p.limit, during+before)
}

// average moves old an eighth of the way to d.
func average(old, d time.Duration) time.Duration {
	d = max(d, time.Microsecond)
	if old == 0 {
		return d
	}
	return old + (d-old)/8
}
