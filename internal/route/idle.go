package route

import (
	"context"
	"time"

	"carrier/internal/sleep"
)

// idleCheck is the longest time between two looks whether everything is idle.
const idleCheck = time.Second

// idleSince returns since when the route has had nothing to do; false while it has, or while nobody
// knows: the source has not answered yet, or is away, or the worker is, without which nothing is
// received, or the route is paused.
func (r *Route) idleSince() (time.Time, bool) {
	since, empty := r.idle.Since()
	if r.source.Ingest != nil { // it does not answer while it is empty
		empty = r.source.Ingest().Messages == 0
	}
	return since, empty && !since.IsZero() && !r.paused.Load() && r.dispatcher.InFlight() == 0 && len(r.readiness.Reasons()) == 0
}

// AwaitIdle waits until for as long as d nothing was received by any route, nothing was in flight,
// and every source had answered that it is empty, and reports whether that is so: false where ctx
// ends first.
func (rs *Routes) AwaitIdle(ctx context.Context, d time.Duration) bool {
	for {
		left := idleCheck
		if since, idle := rs.idleSince(); idle {
			left = d - time.Since(since)
		}
		if left <= 0 {
			return true
		}
		if !sleep.For(ctx, min(left, idleCheck), nil) {
			return false
		}
	}
}

// idleSince is the latest of the routes' times; false unless all are idle.
func (rs *Routes) idleSince() (latest time.Time, idle bool) {
	for _, r := range rs.all {
		since, idle := r.idleSince()
		if !idle {
			return time.Time{}, false
		}
		if since.After(latest) {
			latest = since
		}
	}
	return latest, len(rs.all) > 0
}
