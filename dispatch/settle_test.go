package dispatch

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/receiver"
)

func TestSettlingIsRetriedUntilTheLeaseEnds(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var tries atomic.Int32
		var mended atomic.Bool
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation == "settle" && !mended.Load() {
				tries.Add(1)
				return errors.New("cut")
			}
			return nil
		})
		b.source.Put("a")
		b.start()
		time.Sleep(leaseTime / 2)
		isTrue(t, tries.Load() > 3 && tries.Load() < 20, "%d tries in half a lease", tries.Load())
		equal(t, "ends", b.ends())
		mended.Store(true)
		time.Sleep(leaseTime / 2)
		equal(t, "ends", b.ends(), "a delivered")
		equal(t, "posts", b.worker.Handed(), "a")
		b.stop(t)
	})
}

func TestAMessageThatCannotBeSettledIsLost(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation == "settle" {
				return errors.New("cut")
			}
			return nil
		})
		b.source.Put("a")
		b.start()
		time.Sleep(leaseTime - time.Second)
		equal(t, "ends before the lease is over", b.ends())
		time.Sleep(2 * time.Second)
		equal(t, "ends", b.ends(), "a lost")
		b.source.Fail(nil)
		time.Sleep(2 * leaseTime)
		equal(t, "ends", b.ends()[len(b.ends())-1:], "a delivered")
		equal(t, "posts", b.worker.Handed(), "a")
		b.stop(t)
	})
}

func TestTheSlotIsFreeWhileSettling(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Fail(slowSettle(10 * time.Second))
		b.source.Put(ids(10)...)
		b.start()
		time.Sleep(5 * time.Second)
		isTrue(t, len(b.worker.Handed()) == 10, "%d posted while the first is settled, want 10", len(b.worker.Handed()))
		time.Sleep(time.Minute)
		b.stop(t)
	})
}

func TestWhatIsBeingSettledIsBounded(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Fail(slowSettle(10 * time.Second))
		b.source.Put(ids(200)...)
		b.start()
		time.Sleep(5 * time.Second)
		isTrue(t, b.InFlight() <= minSettling+1, "%d in flight while nothing is settled", b.InFlight())
		time.Sleep(5 * time.Minute)
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

func slowSettle(d time.Duration) func(string, *message.Message) error {
	return func(operation string, _ *message.Message) error {
		if operation == "settle" {
			time.Sleep(d)
		}
		return nil
	}
}

func TestADeadLetterWithNowhereToGoIsARetry(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{
			"a": {{Verdict: message.Rejected, Action: message.DeadLetter, Delay: time.Minute}},
		}))
		b.source.Put("a")
		b.start()
		time.Sleep(59 * time.Second)
		equal(t, "ends", b.ends(), "a rejected")
		isTrue(t, b.source.Left() == 1, "%d left, want 1", b.source.Left())
		warned := b.of(SettleFailed)
		isTrue(t, len(warned) == 1 && errors.Is(warned[0].Err, receiver.ErrNoDeadLetter), "told of %v", warned)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		equal(t, "ends", b.ends(), "a rejected", "a delivered")
		b.stop(t)
	})
}

func TestAnOutcomeReachesTheSourceAsItIs(t *testing.T) {
	cases := map[string]message.Outcome{
		"delivered": {Verdict: message.Delivered, Status: 204, Code: "2xx"},
		"deferred":  {Cause: message.Deferred, Delay: time.Hour, Status: 429, Code: "4xx"},
		"failed":    failed(time.Minute),
		"rejected":  {Verdict: message.Rejected, Action: message.Drop, Status: 404, Code: "4xx", Reason: "no"},
	}
	for label, want := range cases {
		t.Run(label, func(t *testing.T) {
			within(t, nil, func(t *testing.T, b *bench) {
				b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": {want}}))
				b.source.Put("a")
				b.start()
				got := b.source.Settlements()
				want.Attempted = time.Now() // in this bubble it takes no time
				isTrue(t, len(got) == 1 && got[0].Outcome == want, "settled as %+v, want %+v", got, want)
				equal(t, "ends", b.ends(), "a "+label)
				b.stop(t)
			})
		})
	}
}
