package dispatch

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
)

func TestNoReceiveIsIssuedAfterTheStop(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 2 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(10 * time.Second))
		b.source.Put(ids(10)...)
		b.start()
		limits, _ := b.source.Receives()
		b.stop(t)
		after, _ := b.source.Receives()
		isTrue(t, len(after) == len(limits), "%d receives were issued after the stop", len(after)-len(limits))
		equal(t, "posts", slices.Sorted(slices.Values(b.worker.Handed())), "m000", "m001")
		isTrue(t, b.source.Left() == 8, "%d left, want 8", b.source.Left())
	})
}

func TestWhatWasNotPostedIsGivenBackAtOnce(t *testing.T) {
	within(t, func(o *Options) { o.Prefetch = 2 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(10 * time.Second))
		b.source.Put("a", "b", "c")
		b.start()
		b.cancel()
		synctest.Wait()
		ends := slices.Sorted(slices.Values(b.ends()))
		equal(t, "ends at the stop", ends, "b returned", "c returned")
		for _, s := range b.source.Settlements() {
			isTrue(t, s.Outcome.Delay == 0, "%s was hidden for %v", s.ID, s.Outcome.Delay)
		}
		b.stop(t)
		equal(t, "the last end", b.ends()[2:], "a delivered")
	})
}

func TestAGroupIsGivenBackTailFirst(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 4 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(10 * time.Second))
		b.putGroup("g", "1", "2", "3", "4")
		b.start()
		b.cancel()
		synctest.Wait()
		equal(t, "ends at the stop", b.ends(), "4 returned", "3 returned", "2 returned")
		b.stop(t)
		equal(t, "posts", b.worker.Handed(), "1")
	})
}

func TestAHeadThatFailsAtTheStopGoesBackAfterItsTail(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 4 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(func(context.Context, *message.Message) message.Outcome {
			time.Sleep(time.Second)
			return failed(0)
		})
		b.source.Fail(slowSettle(3 * time.Second)) // the tail is still on its way back
		b.putGroup("g", "1", "2", "3")
		b.start()
		b.stop(t)
		equal(t, "ends", b.ends(), "3 returned", "2 returned", "1 failed")
	})
}

func TestAMessageHeldForAnAbsentWorkerIsGivenBack(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.start()
		b.worker.SetReady(false)
		b.source.Put("a")
		synctest.Wait()
		isTrue(t, b.InFlight() == 1, "%d in flight, want 1", b.InFlight())
		b.cancel()
		synctest.Wait()
		equal(t, "ends at the stop", b.ends(), "a returned")
		b.stop(t)
	})
}

func TestWhatWasNeverHandedOverGoesBackAtTheEndOfTheDrain(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(func(ctx context.Context, _ *message.Message) message.Outcome {
			<-ctx.Done() // it was dialling all the time
			return message.Outcome{Reason: "not posted: stopping"}
		})
		b.source.Put("a")
		b.start()
		b.stop(t)
		equal(t, "ends", b.ends(), "a returned")
		isTrue(t, b.source.Held() == 0, "%d are left to their leases", b.source.Held())
	})
}

func TestWhatWasPostedGoesOnUnderItsLease(t *testing.T) {
	within(t, func(o *Options) { o.DrainTimeout = 10 * leaseTime }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(9 * leaseTime))
		b.source.Put("a")
		b.start()
		b.cancel()
		time.Sleep(8 * leaseTime)
		isTrue(t, b.source.Held() == 1, "the lease was not renewed while draining")
		b.stop(t)
		equal(t, "ends", b.ends(), "a delivered")
		isTrue(t, len(b.of(Abandoned)) == 0, "told of abandoned messages")
	})
}

func TestWhatIsUnansweredAfterTheDrainTimeIsLeftToItsLease(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 2 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(time.Hour))
		b.source.Put("a", "b")
		b.start()
		begun := time.Now()
		b.stop(t)
		isTrue(t, time.Since(begun) == 20*time.Second, "the drain took %v, want its timeout of 20s", time.Since(begun))
		abandoned := b.of(Abandoned)
		isTrue(t, len(abandoned) == 1, "told %d times, want once", len(abandoned))
		named := slices.Sorted(slices.Values(abandoned[0].IDs))
		isTrue(t, strings.Join(named, " ") == "a b", "named %v, want a and b", named)
		isTrue(t, len(b.source.Settlements()) == 0, "settled %v, want nothing", b.source.Settlements())
		isTrue(t, b.source.Held() == 2, "%d under their lease, want 2", b.source.Held())
	})
}

func TestALongPollIsGivenASecondAndWhatItBringsIsGivenBack(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 2 }, func(t *testing.T, b *bench) {
		b.start()
		b.cancel()
		time.Sleep(900 * time.Millisecond)
		b.source.Put("a")
		b.stop(t)
		equal(t, "posts", b.worker.Handed())
		equal(t, "ends", b.ends(), "a returned")
	})
}

func TestAnIdleStopTakesASecondAtMost(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.start()
		begun := time.Now()
		b.stop(t)
		isTrue(t, time.Since(begun) <= stopGrace, "an idle stop took %v", time.Since(begun))
	})
}

func TestSettlingGoesOnWhileStopping(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var tries atomic.Int32
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation == "settle" {
				if tries.Add(1) < 4 {
					return source("network")
				}
			}
			return nil
		})
		b.worker.SetAnswer(takes(time.Second))
		b.source.Put("a")
		b.start()
		b.stop(t)
		equal(t, "ends", b.ends(), "a delivered")
	})
}

func TestSettlingDoesNotOutlastTheStopForLong(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation == "settle" {
				return source("network")
			}
			return nil
		})
		b.worker.SetAnswer(takes(19 * time.Second))
		b.source.Put("a")
		b.start()
		begun := time.Now()
		b.stop(t)
		isTrue(t, time.Since(begun) <= 20*time.Second+settleGrace, "the stop took %v", time.Since(begun))
		equal(t, "ends", b.ends(), "a lost")
	})
}

func TestTheStopIsToldOnceAndLiveStaysTrue(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.start()
		b.stop(t)
		isTrue(t, len(b.of(Stopping)) == 1, "told %d times of the stop", len(b.of(Stopping)))
		time.Sleep(time.Hour)
		isTrue(t, b.Live() == nil, "Live = %v after the drain", b.Live())
	})
}
