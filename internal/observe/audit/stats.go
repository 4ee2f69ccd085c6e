package audit

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"carrier/dispatch"
)

// counts is what happened since the last statistics line, and since the start.
type counts struct{ received, delivered, deferred, failed, rejected, returned, lost count }

// A count is one number of a statistics line.
type count struct{ total, told atomic.Int64 }

// since returns what was added since the last call, and the total.
func (c *count) since() (added, total int64) {
	total = c.total.Load()
	return total - c.told.Swap(total), total
}

func (c *counts) observe(e dispatch.Event) {
	switch e.Kind {
	case dispatch.Polled:
		c.received.total.Add(int64(e.Count))
	case dispatch.Settled:
		c.ended(e).total.Add(1)
	}
}

// ended is the count that e, which settles a message, belongs to.
func (c *counts) ended(e dispatch.Event) *count {
	if e.Lost() {
		return &c.lost
	}
	switch e.Outcome.Label() {
	case "delivered":
		return &c.delivered
	case "deferred":
		return &c.deferred
	case "failed":
		return &c.failed
	case "rejected":
		return &c.rejected
	}
	return &c.returned
}

// Totals returns how many messages were received since the start, and how many have ended in each
// way: the words of the label outcome.
func (a *Audit) Totals() (received int64, settled map[string]int64) {
	c := &a.counts
	settled = map[string]int64{}
	for word, n := range map[string]*count{
		"delivered": &c.delivered, "deferred": &c.deferred, "failed": &c.failed,
		"rejected": &c.rejected, "returned": &c.returned, "lost": &c.lost,
	} {
		settled[word] = n.total.Load()
	}
	return c.received.total.Load(), settled
}

// RunStats logs a statistics line at every interval until ctx ends. Each number is of
// the time since the last line; received_total and delivered_total are of the time since
// the start. inFlight says how many messages are in flight. It is called once at most.
func (a *Audit) RunStats(ctx context.Context, every time.Duration, inFlight func() int) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			a.stats(inFlight())
		}
	}
}

func (a *Audit) stats(inFlight int) {
	var fields []zap.Field
	of := func(name string, c *count) int64 {
		added, total := c.since()
		fields = append(fields, zap.Int64(name, added))
		return total
	}
	received := of("received", &a.counts.received)
	delivered := of("delivered", &a.counts.delivered)
	of("deferred", &a.counts.deferred)
	of("failed", &a.counts.failed)
	of("rejected", &a.counts.rejected)
	of("returned", &a.counts.returned)
	of("lost", &a.counts.lost)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	a.log.Info("statistics", append(fields,
		zap.Int64("received_total", received),
		zap.Int64("delivered_total", delivered),
		zap.Int("in_flight", inFlight),
		zap.Int("goroutines", runtime.NumGoroutine()),
		zap.Uint64("heap_bytes", memory.HeapAlloc),
		zap.Uint64("memory_bytes", memory.Sys),
	)...)
}
