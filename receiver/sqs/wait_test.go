package sqs

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func TestIdlePollsDoNotWaitInStep(t *testing.T) {
	cases := map[string]struct {
		wait time.Duration
		want []time.Duration
	}{
		"the longest":             {20 * time.Second, []time.Duration{18 * time.Second, 19 * time.Second, 20 * time.Second}},
		"fifteen seconds":         {15 * time.Second, []time.Duration{14 * time.Second, 15 * time.Second}},
		"ten seconds":             {10 * time.Second, []time.Duration{9 * time.Second, 10 * time.Second}},
		"a few seconds are exact": {9 * time.Second, []time.Duration{9 * time.Second}},
		"one second is exact":     {time.Second, []time.Duration{time.Second}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{WaitTime: c.wait}, func(t *testing.T, b bench) {
				seen := map[time.Duration]bool{}
				for range 60 {
					start := time.Now()
					if batch, err := b.Receive(t.Context(), 10); len(batch) != 0 || err != nil {
						t.Fatalf("%d messages, %v of an empty queue", len(batch), err)
					}
					seen[time.Since(start)] = true
				}
				if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, c.want) {
					t.Errorf("polls wait %v, want %v", got, c.want)
				}
			})
		})
	}
}
