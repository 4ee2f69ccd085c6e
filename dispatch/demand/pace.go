package demand

import (
	"math"
	"time"

	"carrier/message"
)

const (
	// maxCallTime bounds what is taken for the time of a receive call: with a clock that is off, a
	// long poll that waited could be taken for a slow call.
	maxCallTime = time.Second
	// maxAheadBytes bounds what is received ahead beyond the usual number of messages.
	maxAheadBytes = 8 << 20
)

// Received is what one receive brought.
type Received struct {
	// Asked is for how many messages.
	Asked int
	Batch []*message.Message
	Err   error
	Begun time.Time
	Took  time.Duration
}

// A pace measures how long a receive call and an attempt take, and what a call brings, to know how
// many messages the worker finishes during one receive.
type pace struct {
	concurrency int
	whole       int // messages are received ahead in so many
	batch       int
	usual       int // messages to receive ahead however large they are
	most        int // most messages to receive ahead

	call    time.Duration
	spread  time.Duration // how far calls are from call, on average
	attempt time.Duration
	brought float64 // messages a call brings that brings some, on average
	size    float64 // bytes of a body, on average
}

// received notes a receive that did not fail.
func (p *pace) received(got Received) {
	if n := len(got.Batch); n > 0 {
		bytes := 0
		for _, m := range got.Batch {
			bytes += len(m.Body)
		}
		p.brought = towards(p.brought, float64(n))
		p.size = towards(p.size, float64(bytes)/float64(n))
	}
	if !waited(got) {
		took := min(got.Took, maxCallTime)
		if p.call > 0 {
			p.spread += ((took - p.call).Abs() - p.spread) / 8
		}
		p.call = average(p.call, took)
	}
}

// waited reports whether a call may have waited for messages. One that came back full with messages
// that were there before it began has not, and tells how long a call takes.
func waited(got Received) bool {
	if len(got.Batch) < got.Asked {
		return true
	}
	for _, m := range got.Batch {
		if m.ReceiveCount > 1 || m.Sent.After(got.Begun) {
			return true
		}
	}
	return false
}

// attempted notes how long one attempt took.
func (p *pace) attempted(took time.Duration) { p.attempt = average(p.attempt, took) }

// Attempted notes how long one attempt took.
func (d *Demand) Attempted(took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pace.attempted(took)
}

// during is how many messages the worker finishes while a call of that length is made, or zero
// until both were measured.
func (p *pace) during(call time.Duration) float64 {
	if p.call == 0 || p.attempt == 0 {
		return 0
	}
	return float64(p.concurrency) * float64(call) / float64(p.attempt)
}

// worth is how many open receives bring what the worker can finish during a call.
func (p *pace) worth() int {
	return int(math.Ceil(p.during(p.call) / max(p.brought, 1)))
}

// ahead is how many messages the worker finishes from the moment a place is free until a message
// for it has come. That takes one receive, and before it, where several are open, the wait until
// there are places enough for a batch, or until the next of them returns. A receive is taken to
// last as long as nearly all of them do: with the mean, every second one would find the worker
// idle. It is zero for work so slow that not one is finished during a receive, and until both were
// measured.
func (p *pace) ahead() int {
	during := int(p.during(p.call + 2*p.spread))
	n := during + min(during, p.batch)
	return min(p.limit(), (n+p.whole-1)/p.whole*p.whole)
}

// limit is the most messages to receive ahead: of large ones only the usual number.
func (p *pace) limit() int {
	return min(p.most, max(p.usual, int(maxAheadBytes/max(p.size, 1))))
}

// average moves old an eighth of the way to d.
func average(old, d time.Duration) time.Duration {
	return time.Duration(towards(float64(old), float64(max(d, time.Microsecond))))
}

// towards moves old an eighth of the way to v; from zero, all of it.
func towards(old, v float64) float64 {
	if old == 0 {
		return v
	}
	return old + (v-old)/8
}
