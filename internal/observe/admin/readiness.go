package admin

import (
	"errors"
	"maps"
	"sync"

	"carrier/dispatch"
	"carrier/internal/redact"
	"carrier/receiver"
)

// A Readiness knows what stands in the way of one route's readiness, as it is told. It is safe for concurrent
// use, and no method blocks.
type Readiness struct {
	mu      sync.Mutex
	reached bool
	reasons map[string]string
}

// The subjects of reasons.
const (
	source   = "source"
	draining = "draining"
	worker   = "worker"
)

// NewReadiness returns a Readiness that waits for the source to be reached.
func NewReadiness() *Readiness {
	return &Readiness{reasons: map[string]string{source: "not reached yet"}}
}

// Observe follows the source and the stop. Once the source was reached, its errors no longer
// count: metrics and log tell of them, and taking the worker beside carrier out of service would
// not mend them.
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
		r.reasons[source] = "not reached: " + kindOf(e.Err)
	}
}

// kindOf says of what kind a source's error is: its class, and its code where it has one. Its text
// is not shown: whoever may ask need not know accounts, roles and hosts.
func kindOf(err error) string {
	kind := string(receiver.ClassOf(err))
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) && coded.ErrorCode() != "" {
		kind += " (" + redact.Text(coded.ErrorCode()) + ")"
	}
	return kind
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
	r.reasons[subject] = redact.Text(reason)
}

// Reasons returns what stands in the way, by subject.
func (r *Readiness) Reasons() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.reasons)
}
