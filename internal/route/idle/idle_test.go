package idle_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"carrier/dispatch"
	"carrier/internal/route/idle"
)

func TestARouteIsIdleOnceItsSourceHasAnsweredThatItIsEmpty(t *testing.T) {
	up, down := dispatch.Event{Kind: dispatch.SourceUp}, dispatch.Event{Kind: dispatch.SourceDown, Err: errors.New("away")}
	empty, some, settled := dispatch.Event{Kind: dispatch.Polled}, dispatch.Event{Kind: dispatch.Polled, Count: 2}, dispatch.Event{Kind: dispatch.Settled}
	for name, c := range map[string]struct {
		events []dispatch.Event // one a minute
		since  time.Duration    // before the last event
		empty  bool
	}{
		"it was only reached":               {[]dispatch.Event{up}, 0, false},
		"it is empty":                       {[]dispatch.Event{up, empty}, time.Minute, true},
		"it is empty again and again":       {[]dispatch.Event{up, empty, empty, empty}, 3 * time.Minute, true},
		"messages came":                     {[]dispatch.Event{up, empty, some}, 0, false},
		"the last was settled":              {[]dispatch.Event{up, some, empty, settled}, 0, false},
		"it is empty after the last":        {[]dispatch.Event{up, some, settled, empty}, time.Minute, true},
		"it is away":                        {[]dispatch.Event{up, empty, down}, 0, false},
		"it is back and has not answered":   {[]dispatch.Event{up, empty, down, up}, 0, false},
		"it is back and has answered":       {[]dispatch.Event{up, empty, down, up, empty}, time.Minute, true},
		"other events do not make it busy.": {[]dispatch.Event{up, empty, {Kind: dispatch.Extended}}, 2 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w idle.Watch
				for n, e := range c.events {
					if n > 0 {
						time.Sleep(time.Minute)
					}
					w.Observe(e)
				}
				since, empty := w.Since()
				if time.Since(since) != c.since || empty != c.empty {
					t.Errorf("since %v, empty %v; want %v, %v", time.Since(since), empty, c.since, c.empty)
				}
			})
		})
	}
}
