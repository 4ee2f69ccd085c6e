package dispatch

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter/transmittertest"
)

func TestQuickWorkKeepsAllPlacesBusy(t *testing.T) {
	cases := map[string]struct{ concurrency, receivers int }{
		"one receive open":    {10, 1},
		"several may be open": {40, 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, func(o *Options) { o.Concurrency, o.Receivers, o.Prefetch = c.concurrency, c.receivers, Auto }, func(t *testing.T, b *bench) {
				var worked atomic.Int64
				b.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
					d := between(5000, 5500)
					time.Sleep(d)
					worked.Add(int64(d))
					return transmittertest.Accept(ctx, m)
				})
				b.source.Fail(func(operation string, _ *message.Message) error {
					if operation == "receive" {
						time.Sleep(between(1100, 1600))
					}
					return nil
				})
				b.source.Put(ids(6000)...)
				b.start()
				time.Sleep(150 * time.Millisecond) // to measure and settle down
				worked.Store(0)
				const span = 400 * time.Millisecond
				time.Sleep(span)
				busy := float64(worked.Load()) / float64(span) / float64(c.concurrency)
				isTrue(t, busy > 0.97, "places were busy for %.3f of the time", busy)
				b.stop(t)
			})
		})
	}
}

// between is a random time, in microseconds.
func between(least, most int) time.Duration {
	return time.Duration(least+rand.IntN(most-least)) * time.Microsecond
}
