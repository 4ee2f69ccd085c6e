package route

import (
	"context"
	"sync"
	"time"

	"carrier/dispatch"
	"carrier/internal/sleep"
)

// idleCheck is the longest time between two looks whether everything is idle.
const idleCheck = time.Second

// idleness knows since when a route has had nothing to do. It is safe for concurrent use.
type idleness struct {
	mu    sync.Mutex
	since time.Time // of the last that was received or settled, or of the last outage's end
	empty bool      // the source has answered since then that it is empty
}

// observe notes an event of the route.
func (i *idleness) observe(e dispatch.Event) {
	switch e.Kind {
	case dispatch.Polled:
		if e.Count == 0 {
			i.answeredEmpty()
			return
		}
		i.busy()
	case dispatch.SourceUp, dispatch.SourceDown, dispatch.Settled:
		i.busy()
	}
}

// busy notes that there is something to do, or that nobody knows.
func (i *idleness) busy() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.since, i.empty = time.Now(), false
}

func (i *idleness) answeredEmpty() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.empty = true
}

// now returns since when there is nothing to do, and whether the source has said so.
func (i *idleness) now() (since time.Time, empty bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.since, i.empty
}

// idleSince returns since when the route has had nothing to do; false while it has, or while nobody
// knows: the source has not answered yet, or is away, or the worker is, without which nothing is
// received.
func (r *Route) idleSince() (time.Time, bool) {
	since, empty := r.idle.now()
	if r.source.Ingest != nil { // it does not answer while it is empty
		empty = r.source.Ingest().Messages == 0
	}
	return since, empty && !since.IsZero() && r.dispatcher.InFlight() == 0 && len(r.readiness.Reasons()) == 0
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
