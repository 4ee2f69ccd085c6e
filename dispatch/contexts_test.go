package dispatch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSettlementsShareTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c settleContexts
		stopped, stop := context.WithCancel(t.Context())
		stop()
		var given []context.Context
		for range 30 {
			ctx := c.next(stopped)
			end, _ := ctx.Deadline()
			if left := time.Until(end); ctx.Err() != nil || left > settleTimeout || left <= settleTimeout-time.Second {
				t.Errorf("%v are left (%v)", left, ctx.Err())
			}
			given = append(given, ctx)
			time.Sleep(100 * time.Millisecond)
		}
		if given[0] != given[9] || given[9] == given[10] {
			t.Error("those of one second have not one context")
		}
		time.Sleep(settleTimeout)
		for _, ctx := range given {
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("ended by %v", ctx.Err())
			}
		}
	})
}
