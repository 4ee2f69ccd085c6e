package main

import "sync"

// A watch knows whether the worker is there, from all that look: it is when none
// of them says otherwise. It tells metrics, probes and the log of changes.
type watch struct {
	p *program

	mu   sync.Mutex
	away map[string]bool
	told bool // whether up was told of at all
	up   bool
}

// newWatch returns a watch that waits for a first word: until then the worker
// counts as away, which is no news.
func newWatch(p *program) *watch {
	p.readiness.Set("worker", "not reached yet")
	return &watch{p: p, away: map[string]bool{}}
}

// await says that who has not looked yet. Until it does the worker counts as away,
// which is no news either.
func (w *watch) await(who string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away[who] = true
}

// set says what one of those who look has found; err, why not, may be nil.
func (w *watch) set(who string, up bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.away, who); !up {
		w.away[who] = true
	}
	now := len(w.away) == 0
	if w.told && now == w.up {
		return
	}
	w.told, w.up = true, now
	w.p.metrics.SetWorkerUp(now)
	reason := ""
	if !now {
		reason = "offline"
	}
	w.p.readiness.Set("worker", reason)
	w.p.audit.Worker(now, err)
}
