package test

import (
	"slices"
	"testing"
)

// Section 11: deferrals that are parked.

func TestDeferralsSpendNoReceiveWhereReceivesAreCounted(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		redrive bool
		env     env
		counts  []int
	}{
		"a redrive policy":          {true, nil, []int{1, 1, 1, 1}},
		"a redrive policy, but off": {true, env{"CARRIER_DEFER_HOLD": "0s"}, []int{1, 2, 3, 4}},
		"nobody counts":             {false, nil, []int{1, 2, 3, 4}},
		"nobody counts, but on":     {false, env{"CARRIER_DEFER_HOLD": "1s"}, []int{1, 1, 1, 1}},
		"longer than is held":       {true, env{"CARRIER_DEFER_HOLD": "999ms"}, []int{1, 2, 3, 4}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, func(n int, _ request) answer {
				if n < 4 {
					return says(429, "Retry-After: 1")
				}
				return says(200)
			})
			b := prepare(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "1s"}.with(c.env))
			if c.redrive {
				b.onSQS().deadLetters(9)
			}
			b.start()
			b.awaitReady()
			b.put(testMessage{Body: "a"})
			w.await(4)
			b.awaitEmpty()
			b.stop()
			var counts []int
			for _, r := range w.got() {
				counts = append(counts, r.receiveCount())
			}
			if !slices.Equal(counts, c.counts) {
				t.Errorf("posted with the receive counts %v, want %v", counts, c.counts)
			}
		})
	}
}

func TestAParkedMessageIsGivenBackAtTheDrain(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, always(says(429, "Retry-After: 20")))
		b := prepare(t, ofSQS, w, nil)
		b.onSQS().deadLetters(9)
		b.start()
		b.awaitReady()
		id := b.put(testMessage{Body: "a"})
		until(t, "parked", func() bool { return b.metric("carrier_messages_parked") == 1 })
		b.stop()
		changes := changesOf(b.onSQS().queue, id)
		if len(changes) == 0 {
			t.Fatal("it was not given back")
		}
		if last := changes[len(changes)-1].Seconds; last < 1 || last > 20 {
			t.Errorf("hidden for %d s, want what is left of 20", last)
		}
	})
}
