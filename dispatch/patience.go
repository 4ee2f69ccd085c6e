package dispatch

import (
	"context"
	"sync"
	"time"
)

// patience gives settlements their contexts. Those that begin within the same second
// share one: a timer and half a dozen objects for each message cost as much as its
// place in a batch of deletions.
type patience struct {
	mu     sync.Mutex
	shared context.Context //nolint:containedctx // of many calls, and of no one's life
	until  time.Time       // it is given out no longer
}

// context returns a context that does not end with parent, but when the time for a try
// to settle is over.
func (p *patience) context(parent context.Context) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); !now.Before(p.until) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), settleTimeout)
		context.AfterFunc(ctx, cancel) // nobody is the last to need it
		p.shared, p.until = ctx, now.Add(time.Second)
	}
	return p.shared
}
