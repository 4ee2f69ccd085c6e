// Package workerup puts together what several observers say of a worker: whether it takes messages.
package workerup

import (
	"slices"
	"sync"
)

// A Status knows whether the worker takes messages, from its observers (the health check,
// the connections): it does when none of them says otherwise. It tells metrics, probes and the log
// of changes. It is safe for concurrent use.
type Status struct {
	changed func(up bool, cause error)

	mu   sync.Mutex
	down map[string]bool // by observer
	told bool            // whether changed was called at all
	up   bool
}

// New returns one that waits for a first word. changed is called on changes alone, the
// first word included; cause, why the worker is down, may be nil.
func New(changed func(up bool, cause error)) *Status {
	return &Status{changed: changed, down: map[string]bool{}}
}

// Expect registers an observer that has reported nothing yet; until it reports, the worker counts
// as down, and changed is not called.
func (w *Status) Expect(observer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[observer] = true
}

// Set says what observer has found; cause, why the worker is down, may be nil.
func (w *Status) Set(observer string, up bool, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.down, observer)
	if !up {
		w.down[observer] = true
	}
	now := len(w.down) == 0
	if w.told && now == w.up {
		return
	}
	w.told, w.up = true, now
	w.changed(now, cause)
}

// An Any knows whether one of several endpoints takes messages, and tells of changes, the first
// word included. It is safe for concurrent use.
type Any struct {
	changed func(up bool, cause error)

	mu   sync.Mutex
	up   []bool
	told bool
	last bool // what was told
}

// NewAny returns one of n endpoints, which are taken to be up at first or not.
func NewAny(n int, up bool, changed func(up bool, cause error)) *Any {
	return &Any{changed: changed, up: slices.Repeat([]bool{up}, n)}
}

// Set says what endpoint i is found to be; cause, why it takes no messages, may be nil.
func (a *Any) Set(i int, up bool, cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.up[i] = up
	now := slices.Contains(a.up, true)
	if a.told && now == a.last {
		return
	}
	a.told, a.last = true, now
	a.changed(now, cause)
}
