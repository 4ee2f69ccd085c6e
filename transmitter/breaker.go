package transmitter

import (
	"context"
	"sync"
	"time"

	"carrier/internal/sleep"
	"carrier/message"
)

// BreakerOptions is what Breaker is made of.
type BreakerOptions struct {
	// Failures is how many attempts must fail in a row before the breaker opens; at least 1.
	Failures int
	// Cooldown is how long the breaker is open before one message is let through as the probe. After a
	// probe that failed it is twice as long. Above zero.
	Cooldown time.Duration
	// Changed is told when the breaker opens, and when it has closed again. A probe that fails is no
	// change. It must neither block nor call back. Nil means nobody is told.
	Changed func(open bool)
}

// Breaker spares a worker that fails again and again, and the receive counts of its messages. Failures are
// timeouts, broken connections and 5xx without Retry-After; a 429, any other 4xx and any deferral are the
// worker speaking and count neither as failures nor as successes. An answer that the word comes later is
// a success at once. After Failures of them in a row Ready
// waits; after Cooldown it says 1, and that message decides: any answer but a failure closes the breaker.
// A message that is in flight already when the breaker opens is Unreached, and waits for Ready. A worker
// that cannot be connected to is no matter of the breaker.
//
// It belongs outside Hold, which would take its Unreached outcomes for a worker that is down.
func Breaker(opts BreakerOptions) Middleware {
	opts.Failures = max(opts.Failures, 1)
	if opts.Changed == nil {
		opts.Changed = func(bool) {}
	}
	return func(next Transmitter) Transmitter {
		return &breaker{next: next, opts: opts, changed: make(chan struct{})}
	}
}

// The words of BreakerState.
const (
	BreakerClosed   = "closed"
	BreakerOpen     = "open"
	BreakerHalfOpen = "half-open"
)

// BreakerState says in which state the breaker is that t is, as Breaker has returned it: half-open while
// the probe is due or under way. It is closed where t is no breaker.
func BreakerState(t Transmitter) string {
	b, ok := t.(*breaker)
	if !ok {
		return BreakerClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return BreakerClosed
	case b.probing || !time.Now().Before(b.probeAt):
		return BreakerHalfOpen
	default:
		return BreakerOpen
	}
}

type breaker struct {
	next Transmitter
	opts BreakerOptions

	mu       sync.Mutex
	failures int           // in a row, while closed
	open     bool          // also while the probe is due or under way
	cooldown time.Duration // before the next probe; meaningful while open
	probeAt  time.Time     // when the next probe may begin; meaningful while open
	probing  bool          // the probe is under way
	changed  chan struct{} // closed, and made anew, at every change of these that Ready may wait for
}

// A pass says what an attempt is to the breaker.
type pass uint8

const (
	refused pass = iota // not to be made
	normal
	probe
)

// Ready waits while the breaker is open, and says 1 while the probe is due.
func (b *breaker) Ready(ctx context.Context, promised int) (int, error) {
	for {
		limit, wait, changed := b.limit()
		if limit <= promised {
			if !sleep.For(ctx, wait, changed) {
				return 0, ctx.Err()
			}
			continue
		}
		n, err := b.next.Ready(ctx, promised)
		if now, _, _ := b.limit(); err != nil || now >= limit {
			return min(n, limit), err
		}
	}
}

// longWait is waited where nothing but a change ends the waiting.
const longWait = time.Hour

// limit says how many messages may be promised, and how long it is until that may grow by itself.
func (b *breaker) limit() (n int, wait time.Duration, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch until := time.Until(b.probeAt); {
	case !b.open:
		return Unlimited, longWait, b.changed
	case b.probing:
		return 0, longWait, b.changed
	case until > 0:
		return 0, until, b.changed
	default:
		return 1, longWait, b.changed
	}
}

// Transmit makes the attempt, unless the breaker is open and it is not the probe.
func (b *breaker) Transmit(ctx context.Context, m *message.Message) (o message.Outcome) {
	p := b.begin()
	if p == refused {
		return message.Outcome{Cause: message.Unreached, Reason: "not posted: the breaker of the endpoint is open"}
	}
	returned := false
	defer func() {
		if !returned { // it panicked
			o = message.Outcome{Cause: message.Failed, Code: "error"}
		}
		b.end(p, o)
	}()
	o = b.next.Transmit(ctx, m)
	returned = true
	return o
}

func (b *breaker) begin() pass {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return normal
	case b.probing || time.Now().Before(b.probeAt):
		return refused
	}
	b.probing = true
	return probe
}

// end takes note of an attempt's outcome. Those that began before the breaker opened say nothing any more.
func (b *breaker) end(p pass, o message.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p == normal && (b.open || o.Along) { // an answer to several messages is one answer
		return
	}
	b.probing = false
	switch {
	case isFailure(o):
		b.failures++
		if p == probe || b.failures >= b.opts.Failures {
			b.setOpen()
		}
	case o.Code == "" || o.Cause == message.Unreached && o.Verdict == message.Retry:
		if p == probe { // it was not made: another one is
			b.wake()
		}
	case p == probe, o.Verdict != message.Retry, o.Later > 0:
		b.setClosed()
	}
}

// isFailure reports whether o is an attempt that the worker failed at.
func isFailure(o message.Outcome) bool {
	if o.Verdict != message.Retry || o.Cause != message.Failed {
		return false
	}
	return o.Code == "5xx" || o.Code == "timeout" || o.Code == "error"
}

// longestCooldown is how many times the cooldown the breaker is open at most before a probe. Each probe
// spends a receive of a message: where the source gives its oldest message first, probes at each cooldown
// have more than one in fifty of 1,000 messages dead-lettered in ten minutes (breaker_test.go counts them).
const longestCooldown = 2

// setOpen opens the breaker, or leaves it open until the next probe. b.mu is held.
func (b *breaker) setOpen() {
	if b.open {
		b.cooldown = min(2*b.cooldown, longestCooldown*b.opts.Cooldown)
	} else {
		b.open, b.cooldown = true, b.opts.Cooldown
		b.opts.Changed(true)
	}
	b.probeAt = time.Now().Add(b.cooldown)
	b.wake()
}

// setClosed begins a new row of failures, and closes the breaker if it is open. b.mu is held.
func (b *breaker) setClosed() {
	b.failures = 0
	if b.open {
		b.open = false
		b.opts.Changed(false)
		b.wake()
	}
}

// wake ends the waiting of Ready. b.mu is held.
func (b *breaker) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}
