// Package sleep waits for a time that may be cut short.
package sleep

import (
	"context"
	"time"
)

// For waits for d, for a value from wake or its closing, or for the end of ctx, whichever comes
// first, and reports whether ctx has not ended. A nil wake wakes nobody. A d of zero or less is
// over at once.
func For(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// Within returns a context that ends with ctx, and no later than after d: ctx itself where its own
// deadline comes first, which costs nothing. The caller calls cancel as of any context.
func Within(ctx context.Context, d time.Duration) (within context.Context, cancel context.CancelFunc) {
	if at, ok := ctx.Deadline(); ok && time.Until(at) <= d {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}
