// Package idle tells a route that has nothing to do from one of which nobody knows.
package idle

import (
	"sync"
	"time"

	"carrier/dispatch"
)

// A Watch knows since when a route has had nothing to do. The zero Watch knows of nothing yet. It is
// safe for concurrent use.
type Watch struct {
	mu    sync.Mutex
	since time.Time // of the last that was received or settled, or of the last outage's end
	empty bool      // the source has answered since then that it is empty
}

// Observe notes an event of the route.
func (w *Watch) Observe(e dispatch.Event) {
	switch e.Kind {
	case dispatch.Polled:
		if e.Count == 0 {
			w.answeredEmpty()
			return
		}
		w.Busy()
	case dispatch.SourceUp, dispatch.SourceDown, dispatch.Settled:
		w.Busy()
	}
}

// Busy notes that there is something to do, or that nobody knows.
func (w *Watch) Busy() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.empty = time.Now(), false
}

func (w *Watch) answeredEmpty() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.empty = true
}

// Since returns since when there is nothing to do, and whether the source has said so.
func (w *Watch) Since() (since time.Time, empty bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since, w.empty
}
