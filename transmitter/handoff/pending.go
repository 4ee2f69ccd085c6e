package handoff

import (
	"context"
	"slices"
	"sync/atomic"
)

// A Pending is a verdict that the source has not agreed to yet. The zero one is done.
type Pending struct {
	table *Table
	held  *held
}

// A Listener is told when the source has agreed to a verdict, or has not: err says which. It must not
// block, and must not call the table.
type Listener interface {
	Agreed(token string, err error)
}

// Tell has l told what comes of p, once. Where that is known already it returns true, and the result.
func (p Pending) Tell(l Listener) (known bool, err error) {
	if p.held == nil {
		return true, nil
	}
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if p.held.settled {
		return true, p.held.err
	}
	p.held.listeners = append(p.held.listeners, l)
	return false, nil
}

// Forget ends a Tell: l is not told any more. It returns the result, which is ErrUnconfirmed where
// there is none yet.
func (p Pending) Forget(l Listener) error {
	if p.held == nil {
		return nil
	}
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	if p.held.settled {
		return p.held.err
	}
	if i := slices.Index(p.held.listeners, l); i >= 0 {
		p.held.listeners = slices.Delete(p.held.listeners, i, i+1)
	}
	return ErrUnconfirmed
}

// Wait waits until the source has agreed, or has not; when ctx ends before that it returns
// ErrUnconfirmed.
func (p Pending) Wait(ctx context.Context) error { return WaitAll(ctx, []Pending{p})[0] }

// WaitAll is Wait for several at once, and returns what it returns for each.
func WaitAll(ctx context.Context, all []Pending) []error {
	w := &waiter{done: make(chan struct{})}
	w.left.Store(1)
	for _, p := range all {
		w.left.Add(1)
		if known, err := p.Tell(w); known {
			w.Agreed("", err)
		}
	}
	w.Agreed("", nil)
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	errs := make([]error, len(all))
	for i, p := range all {
		errs[i] = p.Forget(w)
	}
	return errs
}

// A waiter waits for several verdicts.
type waiter struct {
	left atomic.Int64
	done chan struct{} // closed when none is left
}

// Agreed counts one less.
func (w *waiter) Agreed(string, error) {
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
}
