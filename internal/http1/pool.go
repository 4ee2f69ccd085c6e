package http1

import (
	"context"
	"sync"
	"time"
)

// distrustTime is how long no connection is kept after the server has answered more than it was asked.
const distrustTime = time.Minute

// A pool holds the connections to one server.
type pool struct {
	opts   Options
	places chan struct{} // one for each connection in use; nil where they have no limit

	mu     sync.Mutex
	idle   []*conn // the one used last at the end
	reaper *time.Timer
	closed bool

	distrusted time.Time // no connection is kept before then
}

func newPool(opts Options) *pool {
	p := &pool{opts: opts}
	if opts.MaxConns > 0 {
		p.places = make(chan struct{}, opts.MaxConns)
	}
	return p
}

// take returns the idle connection that was used last, which is the likeliest to be open, or a new
// one. It waits for a place when all are taken, and for the dial, no longer than the deadline.
func (p *pool) take(ctx context.Context, deadline time.Time) (*conn, error) {
	if p.enter() {
		if k := p.pop(); k != nil {
			return k, nil
		}
		return p.dial(ctx, deadline)
	}
	waiting, cancel := until(ctx, deadline)
	defer cancel()
	select {
	case p.places <- struct{}{}:
	case <-waiting.Done():
		return nil, waiting.Err()
	}
	if k := p.pop(); k != nil {
		return k, nil
	}
	return p.dial(ctx, deadline)
}

// enter takes a place, if one is free.
func (p *pool) enter() bool {
	if p.places == nil {
		return true
	}
	select {
	case p.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *pool) leave() {
	if p.places != nil {
		<-p.places
	}
}

// dial makes a connection for the place that was taken.
func (p *pool) dial(ctx context.Context, deadline time.Time) (*conn, error) {
	ctx, cancel := until(ctx, deadline)
	defer cancel()
	k, err := p.opts.connect(ctx)
	if err != nil {
		p.leave()
	}
	return k, err
}

// until is ctx with deadline, if that is not zero.
func until(ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	if deadline.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline)
}

// pop takes idle connections until one is neither stale nor too old; nil where none is left.
func (p *pool) pop() *conn {
	for now := time.Now(); ; {
		k := p.last()
		if k == nil {
			return nil
		}
		old := p.opts.MaxAge > 0 && now.Sub(k.born) >= p.opts.MaxAge
		if !old && now.Sub(k.idle) < p.opts.IdleTimeout {
			return k
		}
		k.close()
	}
}

// last takes the connection that was used last.
func (p *pool) last() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	k := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return k
}

// put gives k back. One that may not be used again is closed.
func (p *pool) put(k *conn, reusable bool) {
	defer p.leave()
	if !reusable || !p.keep(k) {
		k.closeAtOnce()
	}
}

// keep makes k idle, and reports whether there is still a use for it.
func (p *pool) keep(k *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.closed || p.opts.IdleTimeout <= 0 || now.Before(p.distrusted) {
		return false
	}
	k.used, k.idle = true, now
	p.idle = append(p.idle, k)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(p.opts.IdleTimeout, p.reap)
	}
	return true
}

// distrust keeps no connection for a while, and closes those that are idle.
func (p *pool) distrust() {
	p.mu.Lock()
	now := time.Now()
	known := now.Before(p.distrusted)
	p.distrusted = now.Add(distrustTime)
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, k := range idle {
		k.close()
	}
	if !known {
		p.opts.Unasked()
	}
}

// reap closes what was idle for too long, and comes again when the next one will be.
func (p *pool) reap() {
	for _, k := range p.stale() {
		k.close()
	}
}

// stale takes the connections that were idle for too long.
func (p *pool) stale() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	count := 0
	for count < len(p.idle) && time.Since(p.idle[count].idle) >= p.opts.IdleTimeout {
		count++
	}
	stale := append([]*conn(nil), p.idle[:count]...)
	kept := copy(p.idle, p.idle[count:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
	if kept == 0 || p.closed {
		p.reaper = nil
	} else {
		p.reaper.Reset(p.opts.IdleTimeout - time.Since(p.idle[0].idle))
	}
	return stale
}

// close closes the idle connections; the others are closed when they are given back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	if p.reaper != nil {
		p.reaper.Stop()
	}
	p.mu.Unlock()
	for _, k := range idle {
		k.close()
	}
}
