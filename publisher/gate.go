package publisher

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// longWait is waited where nothing but a change ends the waiting.
const longWait = time.Hour

// A gate knows whether a queue takes messages: it is away until it was opened, and after some calls
// in a row have failed. It is safe for concurrent use.
type gate struct {
	most     int // failed calls in a row
	cooldown time.Duration
	tell     func(up bool, cause error)

	mu       sync.Mutex
	open     bool  // it was opened once
	told     bool  // tell was called
	away     error // why it is away; nil while it is not
	failures int   // in a row
	probeAt  time.Time
	probing  bool
	changed  chan struct{} // closed, and made anew, when limit may grow
}

func newGate(failures int, cooldown time.Duration, changed func(up bool, cause error)) *gate {
	return &gate{most: failures, cooldown: cooldown, tell: changed, away: ErrAway, changed: make(chan struct{})}
}

func (g *gate) isOpened() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *gate) isUp() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.away == nil
}

// opened takes note of a try to open the queue.
func (g *gate) opened(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.setAway(err)
		return
	}
	g.open = true
	g.setUp()
}

// limit says how many messages may be promised, and how long it is until that may grow by itself.
func (g *gate) limit() (n int, wait time.Duration, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.away == nil:
		return math.MaxInt, longWait, g.changed
	case !g.open || g.probing:
		return 0, longWait, g.changed
	}
	if wait = time.Until(g.probeAt); wait > 0 {
		return 0, wait, g.changed
	}
	return 1, longWait, g.changed
}

// begin lets a message through, or says why not. Probe says that it is the one that is tried while the
// queue is away: end or release follows.
func (g *gate) begin() (probe bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.away == nil:
		return false, nil
	case !g.open || g.probing || time.Now().Before(g.probeAt):
		return false, g.awayError()
	}
	g.probing = true
	return true, nil
}

func (g *gate) awayError() error {
	if g.away == ErrAway { //nolint:errorlint // it was not tried yet
		return ErrAway
	}
	return fmt.Errorf("%w: %w", ErrAway, g.away)
}

// release lets another message be the probe: the one that was it is not sent.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.probing = false
	g.wake()
}

// end takes note of a call: err is nil where it has stored something, and known false where it says
// nothing of the queue.
func (g *gate) end(known bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.probing = false
	switch {
	case !known:
		g.wake()
	case err == nil:
		g.setUp()
	default:
		if g.failures++; g.failures >= g.most {
			g.setAway(err)
		}
	}
}

// setUp begins a new row of failures. g.mu is held.
func (g *gate) setUp() {
	was := g.away
	g.failures, g.away = 0, nil
	if was != nil || !g.told {
		g.told = true
		g.tell(true, nil)
		g.wake()
	}
}

// setAway puts the next probe off. g.mu is held.
func (g *gate) setAway(cause error) {
	first := g.away == nil || !g.told
	g.probeAt, g.away = time.Now().Add(g.cooldown), cause
	if first {
		g.told = true
		g.tell(false, cause)
	}
	g.wake()
}

// wake ends the waiting of Ready. g.mu is held.
func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}
