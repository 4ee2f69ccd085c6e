package sleep

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestASleepEndsWithTheFirstOfItsReasons(t *testing.T) {
	cases := map[string]struct {
		wake, cancel, want time.Duration // zero: never
		whole              bool
	}{
		"the time is over":  {0, 0, time.Minute, true},
		"somebody wakes it": {time.Second, 0, time.Second, true},
		"its context ends":  {0, time.Second, time.Second, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				wake := make(chan struct{})
				begun := time.Now()
				if c.wake > 0 {
					time.AfterFunc(c.wake, func() { close(wake) })
				}
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				if whole := For(ctx, time.Minute, wake); whole != c.whole || time.Since(begun) != c.want {
					t.Errorf("For = %v after %v, want %v after %v", whole, time.Since(begun), c.whole, c.want)
				}
			})
		})
	}
	if !For(t.Context(), -time.Second, nil) {
		t.Error("a sleep of no time says that its context has ended")
	}
}

func TestContextWithinATimeEndsAtTheFirstOfTwoDeadlines(t *testing.T) {
	for name, c := range map[string]struct{ own, within, want time.Duration }{
		"the context's own":     {time.Second, time.Minute, time.Second},
		"the other":             {time.Minute, time.Second, time.Second},
		"the same":              {time.Second, time.Second, time.Second},
		"the context has none":  {0, time.Second, time.Second},
		"its own has gone by":   {-time.Second, time.Second, 0},
		"the other has gone by": {time.Second, -time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancel(t.Context())
				defer end()
				if c.own != 0 {
					ctx, end = context.WithTimeout(ctx, c.own)
					defer end()
				}
				begun := time.Now()
				within, cancel := Within(ctx, c.within)
				defer cancel()
				<-within.Done()
				if took := time.Since(begun); took != c.want {
					t.Errorf("it ended after %v, want %v", took, c.want)
				}
			})
		})
	}
}
