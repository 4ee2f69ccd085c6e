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
	// Probe reports why messages cannot be posted to the worker; nil if they can. It returns within
	// seconds, and when its ctx ends.
	Probe func(ctx context.Context) error
	// ProbeFirst makes Ready wait for one probe that succeeds, so that nothing is received before the
	// worker listens. Without it the worker counts as up at first.
	ProbeFirst bool
	// Changed is called when the worker goes down, with the cause, and when it is up again, in that
	// order; with ProbeFirst also with what the first probe found. It must neither block nor call
	// back. Nil means nobody is told.
	Changed func(up bool, cause error)
}

// Hold waits for a worker that cannot be connected to, rather than fail its messages. After an
// Unreached outcome Ready waits until a probe succeeds: the first comes a second later, the next ones
// at growing intervals up to five seconds. All callers of Ready share the probes, and one of them makes
// them. Transmit does not wait.
func Hold(opts HoldOptions) Middleware {
	if opts.Changed == nil {
		opts.Changed = func(bool, error) {}
	}
	return func(next Transmitter) Transmitter {
		h := &hold{next: next, opts: opts, probing: make(chan struct{}, 1), up: make(chan struct{})}
		h.known = !opts.ProbeFirst
		h.down = opts.ProbeFirst
		if !h.down {
			close(h.up)
		}
		return h
	}
}

type hold struct {
	next    Transmitter
	opts    HoldOptions
	probing chan struct{} // holds one token while a caller of Ready probes

	mu       sync.Mutex
	known    bool          // Changed has been told of the state, or it is up as assumed
	down     bool          // nothing may be received
	up       chan struct{} // closed while not down
	interval time.Duration // from the last probe to the next; meaningful while down
	nextAt   time.Time
}

// Ready waits while the worker is down, and then for next.
func (h *hold) Ready(ctx context.Context, promised int) (int, error) {
	for {
		if err := h.wait(ctx); err != nil {
			return 0, err
		}
		n, err := h.next.Ready(ctx, promised)
		if err != nil || !h.isDown() {
			return n, err
		}
	}
}

// Transmit takes an Unreached outcome as the sign that the worker is down.
func (h *hold) Transmit(ctx context.Context, m *message.Message) (o message.Outcome) {
	o = h.next.Transmit(ctx, m)
	if o.Verdict == message.Retry && o.Cause == message.Unreached {
		h.setDown(errors.New(o.Reason))
	}
	return o
}

// wait returns once the worker is up. One of the callers that wait probes; when its ctx ends another
// one goes on.
func (h *hold) wait(ctx context.Context) error {
	for {
		up := h.whenUp()
		select {
		case <-up:
			return nil
		default:
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-up:
		case h.probing <- struct{}{}:
			h.probe(ctx)
			<-h.probing
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

func (h *hold) whenUp() <-chan struct{} {
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
