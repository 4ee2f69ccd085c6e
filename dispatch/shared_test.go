package dispatch

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"carrier/dispatch/share"
	"carrier/message"
	"carrier/receiver/receivertest"
	"carrier/transmitter/transmittertest"
)

// callTime is what a receive takes at the least.
const callTime = 20 * time.Millisecond

// shared runs f with one started bench for each weight, in a bubble. Together their workers hold
// limit messages; each one alone has twenty slots.
func shared(t *testing.T, limit int, weights []int, f func(t *testing.T, routes []*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pool := share.New(limit)
		routes := make([]*bench, len(weights))
		for i, w := range weights {
			b := &bench{
				source: receivertest.NewMemory(leaseTime), worker: transmittertest.NewMemory(nil), ended: make(chan error, 1),
			}
			b.source.Fail(func(operation string, _ *message.Message) error {
				if operation == "receive" {
					time.Sleep(callTime)
				}
				return nil
			})
			b.Dispatcher = New(Options{
				Receiver: b.source, Transmitter: b.worker, Concurrency: 20, Batch: 10, Prefetch: Auto,
				DrainTimeout: 20 * time.Second, Observe: b.observe, Share: pool.Member(w),
			})
			routes[i] = b
		}
		f(t, routes)
		for _, b := range routes {
			b.stop(t)
		}
		isTrue(t, pool.Member(1).Free(), "no place is free after the drain")
	})
}

func startAll(routes []*bench) {
	for _, b := range routes {
		b.start()
	}
}

func TestDeepQueuesShareAWorkerByWeight(t *testing.T) {
	for name, limit := range map[string]int{"one place": 1, "several places": 4} {
		t.Run(name, func(t *testing.T) {
			shared(t, limit, []int{3, 1, 0}, func(t *testing.T, routes []*bench) {
				for _, b := range routes {
					b.source.Put(ids(3000)...)
					b.worker.SetAnswer(takes(time.Duration(limit) * 10 * time.Millisecond))
				}
				startAll(routes)
				most := 0
				for range 1000 {
					time.Sleep(10 * time.Millisecond)
					synctest.Wait()
					held, now := 0, 0
					for _, b := range routes {
						n, _ := b.worker.InFlight()
						held, now = max(held, b.source.Held()-n), now+n
					}
					isTrue(t, now <= limit, "the workers hold %d, want %d at most", now, limit)
					most = max(most, held)
				}
				// Beside a batch there is what was posted and is not settled yet.
				isTrue(t, most <= 10+limit, "%d messages of a route wait, want a batch at most", most)
				first, second, third := len(routes[0].worker.Handed()), len(routes[1].worker.Handed()), len(routes[2].worker.Handed())
				all := first + second + third
				isTrue(t, all > 950, "%d messages were posted, want nearly 1,000", all)
				isTrue(t, first*100 >= 68*all && first*100 <= 82*all && second*100 >= 20*all, "deliveries %d, %d and %d, want 3:1:0", first, second, third)
				isTrue(t, third*100 <= 2*all, "%d deliveries of %d without a weight", third, all)
			})
		})
	}
}

func TestARouteWithLittleToDoIsNotStarvedByABusyOne(t *testing.T) {
	for name, weights := range map[string][]int{"high beside low": {10, 1}, "without a weight": {10, 0}, "equals": {1, 1}} {
		t.Run(name, func(t *testing.T) {
			shared(t, 2, weights, func(t *testing.T, routes []*bench) {
				quiet, busy := routes[0], routes[1]
				busy.source.Put(ids(20_000)...)
				busy.worker.SetAnswer(takes(50 * time.Millisecond))
				var late atomic.Int64
				quiet.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
					late.Store(max(late.Load(), int64(time.Since(m.Sent))))
					return transmittertest.Accept(ctx, m)
				})
				startAll(routes)
				for _, id := range ids(20) {
					time.Sleep(25 * time.Second)
					quiet.source.Put(id)
				}
				time.Sleep(time.Second)
				isTrue(t, len(quiet.worker.Handed()) == 20, "%d of 20 messages were posted", len(quiet.worker.Handed()))
				isTrue(t, time.Duration(late.Load()) <= 300*time.Millisecond, "one came after %v", time.Duration(late.Load()))
			})
		})
	}
}

func TestWithoutAWeightARouteIsServedAlone(t *testing.T) {
	shared(t, 2, []int{1, 0}, func(t *testing.T, routes []*bench) {
		routes[1].source.Put(ids(500)...)
		routes[1].worker.SetAnswer(takes(50 * time.Millisecond))
		startAll(routes)
		time.Sleep(time.Minute)
		isTrue(t, routes[1].source.Left() == 0, "%d left", routes[1].source.Left())
	})
}

func TestNothingIsReceivedWhileNoPlaceIsFree(t *testing.T) {
	shared(t, 1, []int{1, 1}, func(t *testing.T, routes []*bench) {
		slow, other := routes[0], routes[1]
		slow.worker.SetAnswer(takes(time.Hour))
		slow.source.Put("a")
		slow.start()
		time.Sleep(time.Second)
		other.source.Put(ids(30)...)
		other.start()
		time.Sleep(50 * time.Minute)
		limits, _ := other.source.Receives()
		isTrue(t, len(limits) == 0, "%d receives while no place was free", len(limits))
		isTrue(t, other.Live() == nil, "Live = %v while no place is free", other.Live())
		time.Sleep(time.Hour)
		isTrue(t, other.source.Left() == 0, "%d left after the place was free", other.source.Left())
	})
}

func TestAWorkerThatIsAwayTakesNoPlace(t *testing.T) {
	shared(t, 1, []int{5, 1}, func(t *testing.T, routes []*bench) {
		routes[0].worker.SetAnswer(func(context.Context, *message.Message) message.Outcome {
			return message.Outcome{Cause: message.Unreached, Code: "refused"}
		})
		routes[0].source.Put(ids(20)...)
		routes[1].source.Put(ids(100)...)
		startAll(routes)
		time.Sleep(time.Second)
		routes[0].worker.SetReady(false)
		time.Sleep(time.Minute)
		isTrue(t, routes[1].source.Left() == 0, "%d left beside a route whose worker is away", routes[1].source.Left())
	})
}
