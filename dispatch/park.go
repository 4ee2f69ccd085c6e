package dispatch

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"carrier/internal/sleep"
	"carrier/message"
)

// parkedPerSlot is how many messages may be parked for each slot.
const parkedPerSlot = 10

// parking holds deferred messages under their leases, off the worker's slots, and has them posted
// again without going back to the source: so a deferral spends no receive of a redrive policy's
// budget. It is safe for concurrent use.
type parking struct {
	longest func() time.Duration
	limit   int64
	parked  atomic.Int64
}

func newParking(o Options) *parking {
	return &parking{longest: o.DeferHold, limit: int64(parkedPerSlot * o.Concurrency)}
}

// take reports whether a message that ended as o says is parked, and counts it: wait follows. A
// failure is not parked, since failures are what the budget counts; a 429 is no failure.
func (p *parking) take(o *message.Outcome) bool {
	deferred := o.Cause == message.Deferred || o.Cause == message.Failed && o.Status == http.StatusTooManyRequests
	if o.Verdict != message.Retry || !deferred || o.Delay <= 0 || o.Delay > p.longest() {
		return false
	}
	if p.parked.Add(1) > p.limit {
		p.parked.Add(-1)
		return false
	}
	return true
}

// wait holds m until its delay is over, and reports whether it is. When receiving ends first, m is
// to go back with what is left of the delay.
func (p *parking) wait(receiving context.Context, m *delivery) bool {
	defer p.parked.Add(-1)
	if m.outcome.Cause == message.Failed {
		m.NoteThrottled()
	}
	due := time.Now().Add(m.outcome.Delay)
	m.unposted = true // the worker has answered, and does not have it
	m.outcome = message.Outcome{}
	if sleep.For(receiving, time.Until(due), nil) {
		return true
	}
	m.outcome.Delay = max(time.Until(due), 0)
	return false
}

// Parked counts the deferred messages that wait in flight to be posted again.
func (d *Dispatcher) Parked() int { return int(d.parking.parked.Load()) }
