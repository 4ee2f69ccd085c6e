package dispatch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"carrier/internal/sleep"
	"carrier/receiver"
)

// sourceBackoff spaces the calls to a source that fails, and tells of it when that begins, changes
// its class or ends. It is safe for concurrent use.
type sourceBackoff struct {
	observe func(Event)
	news    atomic.Pointer[Event] // the last that observe was not told of, or nil
	telling sync.Mutex            // held while observe is called, so that events come in their order

	mu      sync.Mutex
	worked  bool           // a receive has succeeded once
	class   receiver.Class // of the failures now; empty while there are none
	until   time.Time      // no call before
	backoff *backoff.ExponentialBackOff
}

func newSourceBackoff(observe func(Event)) *sourceBackoff {
	return &sourceBackoff{observe: observe, backoff: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(10*time.Second), backoff.WithMaxElapsedTime(0),
	)}
}

// wait waits until the source may be called again, or receiving ends.
func (b *sourceBackoff) wait(receiving context.Context) {
	b.mu.Lock()
	until := b.until
	b.mu.Unlock()
	if d := time.Until(until); d > 0 {
		sleep.For(receiving, d, nil)
	}
}

// failed notes an error and reports whether there is no use in going on.
func (b *sourceBackoff) failed(err error) (fatal bool) {
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	class := receiver.ClassOf(err)
	if class == receiver.Broken {
		return true
	}
	hopeless := []receiver.Class{receiver.NotFound, receiver.Denied, receiver.Credentials, receiver.Invalid}
	if !b.worked && slices.Contains(hopeless, class) {
		return true
	}
	if b.class != class {
		b.class = class
		b.news.Store(&Event{Kind: SourceDown, Err: err})
	}
	// Receives that were open together fail together: that is one failure.
	if now := time.Now(); !now.Before(b.until) {
		b.until = now.Add(b.backoff.NextBackOff())
	}
	return false
}

// opened notes that the source was reached.
func (b *sourceBackoff) opened() {
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recovered()
}

// succeeded notes a receive that succeeded.
func (b *sourceBackoff) succeeded() {
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.worked = true
	if b.class != "" {
		b.recovered()
	}
}

// recovered ends the backoff. The lock is held.
func (b *sourceBackoff) recovered() {
	b.class = ""
	b.until = time.Time{}
	b.backoff.Reset()
	b.news.Store(&Event{Kind: SourceUp})
}

// tell reports what is new, in order and without the lock: a slow observer keeps nobody from
// receiving. If another goroutine is already reporting, it is left to report this too.
func (b *sourceBackoff) tell() {
	for b.news.Load() != nil && b.telling.TryLock() {
		if e := b.news.Swap(nil); e != nil {
			b.observe(*e)
		}
		b.telling.Unlock()
	}
}
