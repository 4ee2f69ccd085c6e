package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func holds(d time.Duration) func(*Options) {
	return func(o *Options) { o.DeferHold = func() time.Duration { return d } }
}

func deferred(delay time.Duration) message.Outcome {
	return message.Outcome{Cause: message.Deferred, Delay: delay, Status: 429, Code: "4xx"}
}

func TestTenDeferralsSpendNoReceive(t *testing.T) {
	within(t, holds(30*time.Second), func(t *testing.T, b *bench) {
		b.source.Redrive(3, "dead")
		script := slices.Repeat([]message.Outcome{deferred(2 * time.Second)}, 10)
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": script}))
		b.source.Put("a")
		b.start()
		begun := time.Now()
		time.Sleep(30 * time.Second)
		equal(t, "ends", b.ends(), "a delivered")
		isTrue(t, len(b.of(Attempted)) == 11, "%d attempts are told of, want 11", len(b.of(Attempted)))
		for _, m := range b.worker.Messages() {
			isTrue(t, m.ReceiveCount == 1, "posted with receive count %d", m.ReceiveCount)
		}
		at := b.source.Settlements()[0].At.Sub(begun)
		isTrue(t, at == 20*time.Second, "settled after %v, want ten times 2s", at)
		b.stop(t)
	})
}

func TestOnlyShortDeferralsAreParked(t *testing.T) {
	cases := map[string]struct {
		hold    time.Duration
		outcome message.Outcome
		parked  int
	}{
		"as long as the hold":      {30 * time.Second, deferred(30 * time.Second), 1},
		"longer than it":           {30 * time.Second, deferred(31 * time.Second), 0},
		"the backoff of a 429":     {30 * time.Second, message.Outcome{Cause: message.Failed, Status: 429, Delay: time.Second}, 1},
		"a 503 with a Retry-After": {30 * time.Second, message.Outcome{Cause: message.Deferred, Status: 503, Delay: time.Second}, 1},
		"the backoff of a 500":     {30 * time.Second, failed(time.Second), 0},
		"a rejection":              {30 * time.Second, message.Outcome{Verdict: message.Rejected, Status: 429, Delay: time.Second}, 0},
		"it is off":                {0, deferred(time.Second), 0},
		"a deferral for no time":   {30 * time.Second, deferred(0), 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, holds(c.hold), func(t *testing.T, b *bench) {
				b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": {c.outcome}}))
				b.source.Put("a")
				b.start()
				synctest.Wait()
				isTrue(t, b.Parked() == c.parked, "%d parked, want %d", b.Parked(), c.parked)
				b.stop(t)
				isTrue(t, b.Parked() == 0, "%d parked after the drain", b.Parked())
			})
		})
	}
}

func TestAParkedMessageLeavesItsSlotToOthers(t *testing.T) {
	within(t, holds(30*time.Second), func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": {deferred(20 * time.Second)}}))
		b.source.Put("a", "b", "c")
		b.start()
		time.Sleep(10 * time.Second)
		equal(t, "posts", b.worker.Handed(), "a", "b", "c")
		time.Sleep(11 * time.Second)
		equal(t, "posts", b.worker.Handed(), "a", "b", "c", "a")
		b.stop(t)
	})
}

func TestAParkedHeadKeepsItsLane(t *testing.T) {
	within(t, func(o *Options) { holds(30 * time.Second)(o); o.Concurrency = 4 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"1": {deferred(20 * time.Second), deferred(5 * time.Second)}}))
		b.putGroup("g", "1", "2", "3")
		b.start()
		time.Sleep(time.Minute)
		equal(t, "posts", b.worker.Handed(), "1", "1", "1", "2", "3")
		equal(t, "ends", b.ends(), "1 delivered", "2 delivered", "3 delivered")
		b.stop(t)
	})
}

func TestAParkedMessageIsKeptUnderItsLease(t *testing.T) {
	within(t, holds(10*leaseTime), func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": {deferred(10 * leaseTime)}}))
		b.source.Put("a")
		b.start()
		time.Sleep(9 * leaseTime)
		isTrue(t, b.source.Held() == 1, "its lease was not renewed")
		time.Sleep(2 * leaseTime)
		equal(t, "ends", b.ends(), "a delivered")
		b.stop(t)
	})
}

func TestAParkedMessageGoesBackAtTheDrainWithWhatIsLeft(t *testing.T) {
	within(t, func(o *Options) { holds(30 * time.Second)(o); o.Concurrency = 2; o.DrainTimeout = 0 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"1": {deferred(20 * time.Second)}}))
		b.putGroup("g", "1", "2")
		b.source.Fail(slowSettle(time.Second)) // the drain time is over when the head goes back
		b.start()
		time.Sleep(5 * time.Second)
		b.stop(t)
		equal(t, "ends", b.ends(), "2 returned", "1 returned")
		left := b.source.Settlements()[1].Outcome.Delay
		isTrue(t, left == 15*time.Second, "given back for %v, want the 15s that were left", left)
	})
}

func TestAMessageThatWaitsForASlotAfterItWasParkedGoesBackAtTheDrain(t *testing.T) {
	within(t, holds(30*time.Second), func(t *testing.T, b *bench) {
		b.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
			if m.ID == "a" {
				return deferred(time.Second)
			}
			return takes(10*time.Second)(ctx, m)
		})
		b.source.Put("a", "b")
		b.start()
		time.Sleep(5 * time.Second)
		b.cancel()
		synctest.Wait()
		equal(t, "ends at the stop", b.ends(), "a returned")
		b.stop(t)
	})
}

func TestNoMoreThanTenForEachSlotAreParked(t *testing.T) {
	within(t, func(o *Options) { holds(30 * time.Second)(o); o.Concurrency = 2 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(func(context.Context, *message.Message) message.Outcome { return deferred(10 * time.Second) })
		b.source.Put(ids(50)...)
		b.start()
		time.Sleep(9 * time.Second)
		isTrue(t, b.Parked() == 20, "%d parked, want ten for each of 2 slots", b.Parked())
		isTrue(t, len(b.ends()) == 30, "%d went back, want the other 30", len(b.ends()))
		b.stop(t)
	})
}

// TestTheBackoffOfA429GrowsWhileItIsParked is a worker that never says when to come back.
func TestTheBackoffOfA429GrowsWhileItIsParked(t *testing.T) {
	within(t, holds(30*time.Second), func(t *testing.T, b *bench) {
		var mu sync.Mutex
		var waits []string
		last := time.Now()
		worker := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, fmt.Sprint(time.Since(last)))
			last = time.Now()
			return message.Outcome{Cause: message.Failed, Status: 429, Code: "4xx"}
		})
		b.o.Transmitter = transmitter.Wrap(worker, transmitter.Backoff(transmitter.BackoffOptions{
			Initial: time.Second, Multiplier: 2, Max: time.Hour, Jitter: transmitter.NoJitter,
		}))
		b.source.Put("a")
		b.start()
		time.Sleep(40 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		equal(t, "waits", waits, "0s", "1s", "2s", "4s", "8s", "16s")
		equal(t, "ends", b.ends(), "a failed")
		b.stop(t)
	})
}
