package dispatch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/receivertest"
	"carrier/transmitter/transmittertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryMessageIsDeliveredOnce(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 7 }, func(t *testing.T, b *bench) {
		b.source.Put(ids(200)...)
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		time.Sleep(time.Minute)
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		isTrue(t, len(b.worker.Handed()) == 200, "%d posts for 200 messages", len(b.worker.Handed()))
		isTrue(t, len(b.of(Settled)) == 200, "%d settled events for 200 messages", len(b.of(Settled)))
		b.stop(t)
	})
}

func TestTheWorkerHoldsNoMoreThanTheConcurrency(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 3; o.Prefetch = 5 }, func(t *testing.T, b *bench) {
		b.source.Put(ids(30)...)
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		time.Sleep(time.Minute)
		if _, most := b.worker.InFlight(); most != 3 {
			t.Errorf("the worker held %d at once, want 3", most)
		}
		b.stop(t)
	})
}

func TestSlowMessageIsKept(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Put("a")
		b.worker.SetAnswer(takes(10 * leaseTime))
		b.start()
		time.Sleep(11 * leaseTime)
		equal(t, "posts", b.worker.Handed(), "a")
		equal(t, "ends", b.ends(), "a delivered")
		b.stop(t)
	})
}

func TestWaitingMessageIsKept(t *testing.T) {
	within(t, func(o *Options) { o.Prefetch = 1 }, func(t *testing.T, b *bench) {
		b.source.Put("a", "b")
		b.worker.SetAnswer(takes(4 * leaseTime))
		b.start()
		time.Sleep(9 * leaseTime)
		equal(t, "ends", b.ends(), "a delivered", "b delivered")
		for _, m := range b.worker.Messages() {
			isTrue(t, m.ReceiveCount == 1, "%s was received %d times", m.ID, m.ReceiveCount)
		}
		b.stop(t)
	})
}

func TestNoRenewalIsInFlightWhileSettling(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var settling atomic.Bool
		b.source.Fail(func(operation string, _ *message.Message) error {
			switch operation {
			case "settle":
				settling.Store(true)
				time.Sleep(leaseTime / 2)
			case "extend":
				if settling.Load() {
					t.Error("a renewal was issued although settling had begun")
				}
				time.Sleep(5 * time.Second) // still in flight when the worker answers
				if settling.Load() {
					t.Error("settling began while a renewal was in flight")
				}
			}
			return nil
		})
		b.source.Put("a")
		b.worker.SetAnswer(takes(leaseTime/3 + time.Second))
		b.start()
		time.Sleep(2 * leaseTime)
		equal(t, "ends", b.ends(), "a delivered")
		b.stop(t)
	})
}

func TestMessageWhoseLeaseIsLostIsNotPosted(t *testing.T) {
	within(t, func(o *Options) { o.Prefetch = 1 }, func(t *testing.T, b *bench) {
		b.source.Fail(func(operation string, m *message.Message) error {
			if operation == "extend" && m.ID == "b" {
				return receiver.ErrLeaseLost
			}
			return nil
		})
		b.source.Put("a", "b")
		b.worker.SetAnswer(takes(leaseTime / 2))
		b.start()
		time.Sleep(leaseTime / 2)
		synctest.Wait()
		equal(t, "posts", b.worker.Handed(), "a")
		equal(t, "ends", slices.Sorted(slices.Values(b.ends())), "a delivered", "b lost")
		b.stop(t)
	})
}

func TestMessageWhoseLeaseLapsedIsNotPosted(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation == "extend" {
				return &receiver.Error{Operation: "extend", Class: receiver.Network, Err: errors.New("cut")}
			}
			return nil
		})
		b.start()
		b.worker.SetReady(false)
		b.source.Put("a")
		synctest.Wait()
		time.Sleep(leaseTime + time.Second)
		b.source.Fail(nil)
		time.Sleep(time.Second)
		b.worker.SetReady(true)
		synctest.Wait()
		for _, m := range b.worker.Messages() {
			isTrue(t, m.ReceiveCount == 2, "posted under the lapsed lease of receive %d", m.ReceiveCount)
		}
		b.stop(t)
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
	})
}

func TestPanicBecomesARetry(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Put("a")
		b.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
			if m.ReceiveCount == 1 {
				panic("out of cheese")
			}
			return transmittertest.Accept(ctx, m)
		})
		b.start()
		time.Sleep(time.Minute)
		equal(t, "ends", b.ends(), "a failed", "a delivered")
		isTrue(t, len(b.of(Panicked)) == 1, "%d panics were told of, want 1", len(b.of(Panicked)))
		b.stop(t)
	})
}

func TestPanicOfTheReceiverIsAFailure(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var mu sync.Mutex
		calls := map[string]int{}
		b.source.Fail(func(operation string, _ *message.Message) error {
			mu.Lock()
			defer mu.Unlock()
			if calls[operation]++; calls[operation] == 1 {
				panic(operation)
			}
			return nil
		})
		b.worker.SetAnswer(takes(2 * leaseTime))
		b.source.Put("a")
		b.start()
		time.Sleep(5 * leaseTime)
		equal(t, "ends", b.ends(), "a delivered")
		b.stop(t)
	})
}

func TestUnreachedWorkerIsNoAttempt(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var up atomic.Bool
		b.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
			if up.Load() {
				return transmittertest.Accept(ctx, m)
			}
			b.worker.SetReady(false)
			return message.Outcome{Cause: message.Unreached, Code: "refused"}
		})
		b.source.Put("a", "b")
		b.start()
		time.Sleep(5 * leaseTime)
		equal(t, "ends while the worker is away", b.ends())
		isTrue(t, b.InFlight() == 1, "%d in flight while the worker is away, want 1", b.InFlight())
		up.Store(true)
		b.worker.SetReady(true)
		time.Sleep(time.Second)
		equal(t, "ends", slices.Sorted(slices.Values(b.ends())), "a delivered", "b delivered")
		for _, m := range b.worker.Messages() {
			isTrue(t, m.ReceiveCount == 1, "%s was received %d times", m.ID, m.ReceiveCount)
		}
		b.stop(t)
	})
}

func TestUnreachedWorkerThatIsSaidToBeReadyIsNoHotLoop(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(func(context.Context, *message.Message) message.Outcome {
			return message.Outcome{Cause: message.Unreached, Code: "refused"}
		})
		b.source.Put("a")
		b.start()
		time.Sleep(10 * time.Second)
		isTrue(t, len(b.worker.Handed()) <= 110, "%d tries in ten seconds", len(b.worker.Handed()))
		b.stop(t)
		equal(t, "ends", b.ends(), "a returned")
	})
}

// eager hands a message that was given back out again before Settle returns.
type eager struct{ *receivertest.Memory }

func (e eager) Settle(ctx context.Context, m *message.Message, o message.Outcome) error {
	err := e.Memory.Settle(ctx, m, o)
	time.Sleep(time.Millisecond)
	return err
}

func TestMessageThatWasGivenBackIsPostedAgainEachTime(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 2; o.Receiver = eager{o.Receiver.(*receivertest.Memory)} }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": {failed(0), failed(0), failed(0)}}))
		b.source.Put("a")
		b.start()
		time.Sleep(time.Second)
		equal(t, "ends", b.ends(), "a failed", "a failed", "a failed", "a delivered")
		equal(t, "posts", b.worker.Handed(), "a", "a", "a", "a")
		isTrue(t, len(b.of(Redelivered)) == 0, "told of %d redeliveries", len(b.of(Redelivered)))
		b.stop(t)
	})
}

// capped is a source that renews no lease beyond the first, and says so by doing nothing.
type capped struct {
	*receivertest.Memory
	calls *atomic.Int32
}

func (c capped) Extend(_ context.Context, batch []*message.Message) []error {
	c.calls.Add(1)
	return make([]error, len(batch))
}

func TestALeaseThatCanBeKeptNoLongerIsNoHotLoop(t *testing.T) {
	var calls atomic.Int32
	within(t, func(o *Options) { o.Receiver = capped{o.Receiver.(*receivertest.Memory), &calls} }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(leaseTime - time.Second))
		b.source.Put("a")
		b.start()
		time.Sleep(leaseTime)
		equal(t, "ends", b.ends(), "a delivered")
		isTrue(t, calls.Load() <= 10, "%d renewals within one lease", calls.Load())
		b.stop(t)
	})
}

func TestMessageInFlightIsNotPostedAgain(t *testing.T) {
	outcomes := map[string]struct {
		first message.Outcome
		ends  []string
		left  int
	}{
		"a delivery settles the copy": {transmittertest.Accept(context.Background(), nil), []string{"a lost", "a delivered"}, 0},
		"a failure returns the copy":  {failed(time.Hour), []string{"a lost", "a failed"}, 1},
	}
	for name, c := range outcomes {
		t.Run(name, func(t *testing.T) {
			within(t, func(o *Options) { o.Concurrency = 2 }, func(t *testing.T, b *bench) {
				b.source.Fail(func(operation string, m *message.Message) error {
					if operation == "extend" && m.ReceiveCount == 1 {
						return errors.New("cut")
					}
					return nil
				})
				b.worker.SetAnswer(func(context.Context, *message.Message) message.Outcome {
					time.Sleep(3 * leaseTime)
					return c.first
				})
				b.source.Put("a")
				b.start()
				time.Sleep(4 * leaseTime)
				equal(t, "posts", b.worker.Handed(), "a")
				equal(t, "ends", b.ends(), c.ends...)
				isTrue(t, len(b.of(Redelivered)) == 1, "%d redeliveries were told of", len(b.of(Redelivered)))
				isTrue(t, b.source.Left() == c.left, "%d left, want %d", b.source.Left(), c.left)
				b.stop(t)
			})
		})
	}
}
