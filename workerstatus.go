package main

import "sync"

// A workerStatus knows whether the worker takes messages, from everybody who looks (the health
// check, the connections): it does when none of them says otherwise. It tells metrics, probes and
// the log of changes. It is safe for concurrent use.
type workerStatus struct {
	changed func(up bool, cause error)

	mu   sync.Mutex
	down map[string]bool // by who looks
	told bool            // whether changed was called at all
	up   bool
}

// newWorkerStatus returns one that waits for a first word. changed is called on changes alone, the
// first word included; cause, why the worker is down, may be nil.
func newWorkerStatus(changed func(up bool, cause error)) *workerStatus {
	return &workerStatus{changed: changed, down: map[string]bool{}}
}

// expect says that who will look, and has not yet. Until it does the worker counts as down, which
// changed is not told of.
func (w *workerStatus) expect(who string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[who] = true
}

// set says what who has found; cause, why the worker is down, may be nil.
func (w *workerStatus) set(who string, up bool, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.down, who)
	if !up {
		w.down[who] = true
	}
	now := len(w.down) == 0
	if w.told && now == w.up {
		return
	}
	w.told, w.up = true, now
	w.changed(now, cause)
}
