package transmitter

import (
	"context"
	"sync"
	"time"

	"carrier/internal/sleep"
	"carrier/message"
)

// recheck is the time between two checks of a worker that is not healthy.
const recheck = time.Second

// CheckerOptions is what a Checker is made of.
type CheckerOptions struct {
	// Check asks the worker once whether it is healthy; it returns when ctx ends.
	Check func(ctx context.Context) error
	// Interval is the time between two checks of a healthy worker; Timeout is how long one may take.
	// Both must be above zero.
	Interval, Timeout time.Duration
	// Threshold is how many checks in a row must fail before a worker that was healthy counts as
	// offline; at least 1.
	Threshold int
	// Changed is called with what the first check found, and then at every change; cause is the failed
	// check's error. It must neither block nor call back. Nil means nobody is told.
	Changed func(up bool, cause error)
}

// A Checker watches a worker's health, and lets nothing be received before the first check that
// succeeds, nor while the worker is offline.
type Checker struct {
	opts CheckerOptions

	mu       sync.Mutex
	told     bool // Changed was called
	healthy  bool
	failures int           // in a row
	up       chan struct{} // closed while healthy
}

// NewChecker returns a Checker; nothing is checked before Run.
func NewChecker(opts CheckerOptions) *Checker {
	opts.Threshold = max(opts.Threshold, 1)
	if opts.Changed == nil {
		opts.Changed = func(bool, error) {}
	}
	return &Checker{opts: opts, up: make(chan struct{})}
}

// Run checks until ctx ends: at once, then every second until the worker is healthy, then every
// interval until it is offline. It is called once.
func (c *Checker) Run(ctx context.Context) {
	for {
		err := c.check(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := c.note(err)
		if !sleep.For(ctx, pause, nil) {
			return
		}
	}
}

// Gate is the Middleware whose Ready waits for the worker to be healthy. Transmit does not wait.
func (c *Checker) Gate(next Transmitter) Transmitter { return &gate{next, c} }

func (c *Checker) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	return c.opts.Check(ctx)
}

// note records what a check found, and returns the pause before the next.
func (c *Checker) note(err error) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.failures = 0
		c.setHealthy(true, nil)
		return c.opts.Interval
	}
	c.failures++
	if c.healthy && c.failures < c.opts.Threshold {
		return c.opts.Interval
	}
	c.setHealthy(false, err)
	return recheck
}

// setHealthy opens or shuts the gate and calls Changed, if that is a change. c.mu is held.
func (c *Checker) setHealthy(healthy bool, cause error) {
	if c.told && healthy == c.healthy {
		return
	}
	switch {
	case healthy:
		close(c.up)
	case c.healthy:
		c.up = make(chan struct{})
	}
	c.told, c.healthy = true, healthy
	c.opts.Changed(healthy, cause)
}

// whenHealthy returns a channel that is closed while the worker is healthy.
func (c *Checker) whenHealthy() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

type gate struct {
	next    Transmitter
	checker *Checker
}

// Ready waits for the worker to be healthy, and then for next.
func (g *gate) Ready(ctx context.Context, promised int) (int, error) {
	for {
		healthy := g.checker.whenHealthy()
		if err := waitFor(ctx, healthy); err != nil {
			return 0, err
		}
		n, err := g.next.Ready(ctx, promised)
		if err != nil || healthy == g.checker.whenHealthy() {
			return n, err
		}
	}
}

// waitFor waits until c is closed. It returns ctx's error when ctx ends and c is open.
func waitFor(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	default:
	}
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	return g.next.Transmit(ctx, m)
}
