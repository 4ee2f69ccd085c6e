package dispatch

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// contain calls f and turns a panic into an error that holds its stack: one
// message's trouble does not end the program, which holds others.
func contain(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	f()
	return nil
}

// pause waits for d, for a wake, or for the end of ctx.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}
