// Package sourcebackoff spaces the calls to a source that fails.
package sourcebackoff

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

// A Backoff spaces the calls to a source that fails, and tells of it when that begins, changes
// its class or ends. It is safe for concurrent use.
type Backoff struct {
	observe func(failure error)
	news    atomic.Pointer[news] // the last that observe was not told of, or nil
	telling sync.Mutex           // held while observe is called, so that events come in their order

	mu      sync.Mutex
	worked  bool           // a receive has succeeded once
	class   receiver.Class // of the failures now; empty while there are none
	until   time.Time      // no call before
	backoff *backoff.ExponentialBackOff
}

// news is what observe is told: the failure, or nil where the source is up.
type news struct{ failure error }

// New returns a Backoff. observe is told of the first failure, of each of another class, and, with
// nil, of the end; one call at a time, in their order.
func New(observe func(failure error)) *Backoff {
	return &Backoff{observe: observe, backoff: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(10*time.Second), backoff.WithMaxElapsedTime(0),
	)}
}

// Wait waits until the source may be called again, or receiving ends.
func (b *Backoff) Wait(receiving context.Context) {
	b.mu.Lock()
	until := b.until
	b.mu.Unlock()
	if d := time.Until(until); d > 0 {
		sleep.For(receiving, d, nil)
	}
}

// Failed notes an error and reports whether there is no use in going on.
func (b *Backoff) Failed(err error) (fatal bool) {
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
		b.news.Store(&news{err})
	}
	// Receives that were open together fail together: that is one failure.
	if now := time.Now(); !now.Before(b.until) {
		b.until = now.Add(b.backoff.NextBackOff())
	}
	return false
}

// Opened notes that the source was reached.
func (b *Backoff) Opened() {
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recovered()
}

// Succeeded notes a receive that succeeded.
func (b *Backoff) Succeeded() {
	defer b.tell()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.worked = true
	if b.class != "" {
		b.recovered()
	}
}

// recovered ends the backoff. The lock is held.
func (b *Backoff) recovered() {
	b.class = ""
	b.until = time.Time{}
	b.backoff.Reset()
	b.news.Store(&news{})
}

// tell reports what is new, in order and without the lock: a slow observer keeps nobody from
// receiving. If another goroutine is already reporting, it is left to report this too.
func (b *Backoff) tell() {
	for b.news.Load() != nil && b.telling.TryLock() {
		if n := b.news.Swap(nil); n != nil {
			b.observe(n.failure)
		}
		b.telling.Unlock()
	}
}
