package admin

import (
	"maps"
	"sync"

	"carrier/dispatch"
)

// A Readiness knows what stands in the way of readiness, as it is told. Its methods may
// be called at once, and none blocks.
type Readiness struct {
	mu      sync.Mutex
	reached bool
	reasons map[string]string
}

// The subjects of reasons, beside the worker's own.
const (
	source   = "source"
	draining = "draining"
)

// NewReadiness returns a Readiness that waits for the source to be reached.
func NewReadiness() *Readiness {
	return &Readiness{reasons: map[string]string{source: "not reached yet"}}
}

// Observe follows the source and the stop. Once the source was reached, its troubles no
// longer count: they are told by the metrics and the log, and taking the worker beside
// carrier out of service would not help them.
func (r *Readiness) Observe(e dispatch.Event) {
	switch e.Kind {
	case dispatch.SourceUp, dispatch.SourceDown, dispatch.Stopping:
	default:
		return // the many events that say nothing here take no lock
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case e.Kind == dispatch.SourceUp:
		r.reached = true
		delete(r.reasons, source)
	case e.Kind == dispatch.Stopping:
		r.reasons[draining] = "no more messages are taken"
	case !r.reached && e.Err != nil:
		r.reasons[source] = "not reached: " + e.Err.Error()
	}
}

// Set says that subject stands in the way because of reason, or, when reason is empty,
// that it no longer does.
func (r *Readiness) Set(subject, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reason == "" {
		delete(r.reasons, subject)
		return
	}
	r.reasons[subject] = reason
}

// Reasons returns what stands in the way, by subject.
func (r *Readiness) Reasons() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.reasons)
}
