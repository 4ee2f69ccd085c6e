package webhook

import (
	"context"
	"sync"
	"time"
)

// idleLimit is how long a connection is kept unused: less than the two seconds after
// which gunicorn closes it, which would cut off the next request.
const idleLimit = 1500 * time.Millisecond

// A pool holds the connections to one endpoint, at most as many as it has places.
type pool struct {
	dialer *dialer
	places chan struct{}

	mu     sync.Mutex
	idle   []*conn // the one used last at the end
	reaper *time.Timer
	closed bool
}

func newPool(d *dialer, count int) *pool {
	return &pool{dialer: d, places: make(chan struct{}, count)}
}

// get returns a connection: one that is idle and still open, or a new one. It waits for
// a place when all are taken.
func (p *pool) get(ctx context.Context) (*conn, error) {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c := p.open(); c != nil {
		return c, nil
	}
	c, err := p.dialer.connect(ctx)
	if err != nil {
		<-p.places
		return nil, err
	}
	return newConn(c), nil
}

// idling returns an idle connection that is still open, where there is one and nobody
// has to wait for a place.
func (p *pool) idling() *conn {
	select {
	case p.places <- struct{}{}:
	default:
		return nil
	}
	c := p.open()
	if c == nil {
		<-p.places
	}
	return c
}

// open takes idle connections until one is still open.
func (p *pool) open() *conn {
	for c := p.take(); c != nil; c = p.take() {
		if time.Since(c.idle) < idleLimit && c.peer.Waits() {
			return c
		}
		_ = c.Close()
	}
	return nil
}

// put gives c back. One that may not be used again is closed.
func (p *pool) put(c *conn, reusable bool) {
	defer func() { <-p.places }()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !reusable || p.closed {
		_ = c.Close()
		return
	}
	c.used, c.idle = true, time.Now()
	p.idle = append(p.idle, c)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(idleLimit, p.reap)
	}
}

// take takes the connection that was used last, which is the likeliest to be open.
func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// reap closes what was idle for too long, and comes again when the next one will be.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	stale := 0
	for stale < len(p.idle) && time.Since(p.idle[stale].idle) >= idleLimit {
		_ = p.idle[stale].Close()
		stale++
	}
	p.idle = append(p.idle[:0], p.idle[stale:]...)
	if len(p.idle) == 0 || p.closed {
		p.reaper = nil
		return
	}
	p.reaper.Reset(idleLimit - time.Since(p.idle[0].idle))
}

// close closes the idle connections; the others are closed when they are given back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle = nil
	if p.reaper != nil {
		p.reaper.Stop()
	}
}
