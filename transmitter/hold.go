package transmitter

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/internal/sleep"
	"carrier/message"
)

const (
	firstProbe = time.Second
	lastProbe  = 5 * time.Second
)

// HoldOptions is what Hold is made of.
type HoldOptions struct {
	// Probe says whether the worker can be connected to. It returns within seconds, and
	// when its ctx ends.
	Probe func(ctx context.Context) error
	// ProbeFirst lets no message through before one probe has succeeded, so that nothing
	// is received before the worker listens. Without it the worker counts as up at first.
	ProbeFirst bool
	// Changed is told when the worker goes down, and why, and when it is up again, in that order;
	// with ProbeFirst also what the first probe found. It must neither block nor call back.
	// Nil means nobody is.
	Changed func(up bool, cause error)
}

// Hold waits for a worker that cannot be connected to, rather than fail its messages.
// After an Unreached outcome Ready waits until a probe succeeds: the first comes a
// second later, the next ones at growing intervals up to five seconds. All that wait
// share the probes, and one of them makes them. Transmit is never held.
func Hold(opts HoldOptions) Middleware {
	if opts.Changed == nil {
		opts.Changed = func(bool, error) {}
	}
	return func(next Transmitter) Transmitter {
		h := &hold{next: next, opts: opts, turn: make(chan struct{}, 1), up: make(chan struct{})}
		h.known = !opts.ProbeFirst
		h.down = opts.ProbeFirst
		if !h.down {
			close(h.up)
		}
		return h
	}
}

type hold struct {
	next Transmitter
	opts HoldOptions
	turn chan struct{} // holds one token while somebody probes

	mu       sync.Mutex
	known    bool          // Changed has been told of the state, or it is up as assumed
	down     bool          // nothing may be received
	up       chan struct{} // closed while not down
	interval time.Duration // from the last probe to the next; meaningful while down
	nextAt   time.Time
}

// Ready waits while the worker is down, and then for next.
func (h *hold) Ready(ctx context.Context) (int, error) {
	for {
		if err := h.wait(ctx); err != nil {
			return 0, err
		}
		n, err := h.next.Ready(ctx)
		if err != nil || !h.isDown() {
			return n, err
		}
	}
}

// Transmit takes an Unreached outcome as the sign that the worker is down.
func (h *hold) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	o := h.next.Transmit(ctx, m)
	if o.Verdict == message.Retry && o.Cause == message.Unreached {
		h.setDown(errors.New(o.Reason))
	}
	return o
}

// wait returns once the worker is up. Among those that wait, whoever has the turn
// probes, and passes the turn on when it must leave.
func (h *hold) wait(ctx context.Context) error {
	for {
		up := h.upAgain()
		select {
		case <-up:
			return ctx.Err()
		default:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-up:
		case h.turn <- struct{}{}:
			h.probe(ctx)
			<-h.turn
		}
	}
}

// probe probes until the worker is up or ctx ends.
func (h *hold) probe(ctx context.Context) {
	for h.isDown() {
		if !sleep.For(ctx, time.Until(h.due()), nil) {
			return
		}
		err := h.opts.Probe(ctx)
		switch {
		case err == nil:
			h.setUp()
		case ctx.Err() != nil:
			return
		default:
			h.putOff(err)
		}
	}
}

func (h *hold) isDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

func (h *hold) upAgain() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.up
}

func (h *hold) due() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.nextAt
}

func (h *hold) setDown(cause error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down {
		return
	}
	h.known, h.down = true, true
	h.up = make(chan struct{})
	h.interval = firstProbe
	h.nextAt = time.Now().Add(h.interval)
	h.opts.Changed(false, cause)
}

func (h *hold) setUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.down = true, false
	close(h.up)
	h.opts.Changed(true, nil)
}

// putOff sets the time of the next probe after one that failed.
func (h *hold) putOff(cause error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.interval = min(max(h.interval*3/2, firstProbe), lastProbe)
	h.nextAt = time.Now().Add(h.interval)
	if !h.known {
		h.known = true
		h.opts.Changed(false, cause)
	}
}
