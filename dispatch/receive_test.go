package dispatch

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/receivertest"
	"carrier/transmitter/transmittertest"
)

func TestReceivesAskForTheFreeSlotsOnly(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 4 }, func(t *testing.T, b *bench) {
		b.source.Put(ids(40)...)
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			isTrue(t, b.demand.Heads() <= 4, "%d want one of four slots", b.demand.Heads())
		}
		b.stop(t)
	})
}

func TestNoReceiveAsksForMoreThanABatch(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 100; o.Batch = 10 }, func(t *testing.T, b *bench) {
		b.source.Put(ids(300)...)
		b.start()
		time.Sleep(time.Minute)
		limits, _ := b.source.Receives()
		isTrue(t, slices.Max(limits) == 10, "a receive asked for %d", slices.Max(limits))
		b.stop(t)
	})
}

func TestOpenReceivesFollowTheLoad(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 40 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		time.Sleep(time.Minute)
		if _, most := b.source.Receives(); most != 1 {
			t.Errorf("%d receives were open at an idle queue, want 1", most)
		}
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation == "receive" {
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		b.source.Put(ids(400)...)
		time.Sleep(time.Minute)
		if _, most := b.source.Receives(); most < 2 || most > 4 {
			t.Errorf("%d receives were open under load, want 2 to 4", most)
		}
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

func TestNothingIsReceivedWhileTheWorkerIsAway(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.worker.SetReady(false)
		b.source.Put("a")
		b.start()
		time.Sleep(time.Hour)
		if limits, _ := b.source.Receives(); len(limits) != 0 {
			t.Errorf("%d receives while the worker was away", len(limits))
		}
		isTrue(t, b.Live() == nil, "Live = %v while the worker is away", b.Live())
		b.worker.SetReady(true)
		time.Sleep(time.Second)
		equal(t, "ends", b.ends(), "a delivered")
		b.stop(t)
	})
}

func TestTheTransmittersOwnLimitBoundsAReceive(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 10 }, func(t *testing.T, b *bench) {
		b.worker.SetLimit(2)
		b.start()
		limits, _ := b.source.Receives()
		isTrue(t, slices.Equal(limits, []int{2}), "receives asked for %v, want 2", limits)
		b.stop(t)
	})
}

func TestWhatIsReceivedAheadFollowsTheWorker(t *testing.T) {
	cases := map[string]struct {
		work   time.Duration
		ahead  bool
		prefet int
	}{
		"nothing for slow work":       {time.Second, false, Auto},
		"some for quick work":         {10 * time.Millisecond, true, Auto},
		"as many as a fixed number":   {time.Second, true, 3},
		"nothing when that number is": {10 * time.Millisecond, false, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, func(o *Options) { o.Concurrency = 2; o.Prefetch = c.prefet }, func(t *testing.T, b *bench) {
				b.source.Fail(func(operation string, _ *message.Message) error {
					if operation == "receive" {
						time.Sleep(50 * time.Millisecond)
					}
					return nil
				})
				b.source.Put(ids(300)...)
				b.worker.SetAnswer(takes(c.work))
				b.start()
				most := 0
				for range 400 {
					time.Sleep(7 * time.Millisecond)
					synctest.Wait()
					most = max(most, b.demand.Heads())
				}
				isTrue(t, (most > 2) == c.ahead, "%d were in flight for two slots; ahead: want %v", most, c.ahead)
				isTrue(t, c.prefet < 0 || most <= 2+c.prefet, "%d in flight for two slots and %d ahead", most, c.prefet)
				b.stop(t)
			})
		})
	}
}

func TestASourceThatDoesNotWaitIsNotAskedInAHotLoop(t *testing.T) {
	within(t, func(o *Options) { o.Receiver = impatient{o.Receiver.(*receivertest.Memory)} }, func(t *testing.T, b *bench) {
		b.start()
		time.Sleep(time.Minute)
		limits, _ := b.source.Receives()
		isTrue(t, len(limits) <= 61, "%d receives in a minute at an empty queue", len(limits))
		b.source.Put("a")
		time.Sleep(2 * time.Second)
		equal(t, "ends", b.ends(), "a delivered")
		b.stop(t)
	})
}

// impatient is a source whose receives do not wait.
type impatient struct{ *receivertest.Memory }

func (i impatient) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	batch, err := i.Memory.Receive(soon, limit)
	if err != nil && ctx.Err() == nil {
		return nil, nil
	}
	return batch, err
}

func TestRoomInFlightIsUsedAtOnce(t *testing.T) {
	change := func(o *Options) {
		o.Concurrency = 2
		o.Receiver = oneGroup{o.Receiver.(*receivertest.Memory)}
	}
	within(t, change, func(t *testing.T, b *bench) {
		b.source.Put(ids(300)...)
		b.worker.SetAnswer(func(ctx context.Context, m *message.Message) message.Outcome {
			if m.ID != "m000" || m.ReceiveCount > 1 {
				return transmittertest.Accept(ctx, m)
			}
			time.Sleep(20 * time.Second)
			return failed(time.Second)
		})
		b.start()
		time.Sleep(19 * time.Second)
		isTrue(t, b.InFlight() == 120, "%d in flight, want the 120 there is room for", b.InFlight())
		time.Sleep(3 * time.Second)
		isTrue(t, b.source.Left() < 300, "nothing was received where there was room again")
		b.stop(t)
	})
}

// oneGroup is a source that hands out the messages of its only group without waiting for those
// before them.
type oneGroup struct{ *receivertest.Memory }

func (g oneGroup) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	batch, err := g.Memory.Receive(ctx, limit)
	for _, m := range batch {
		m.Group, m.Ordered = "g", true
	}
	return batch, err
}

func TestEachFailureOfTheSourceIsFollowedByAPause(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var last time.Time
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation != "receive" {
				return nil
			}
			isTrue(t, time.Since(last) >= 100*time.Millisecond, "asked again after %v", time.Since(last))
			last = time.Now()
			return source(receiver.Network)
		})
		b.start()
		time.Sleep(time.Minute)
		b.stop(t)
	})
}

func source(class receiver.Class) error {
	return &receiver.Error{Operation: "receive", Class: class, Err: errors.New("no")}
}

func TestTroubleAtTheSourceIsBackedOffAndToldOnce(t *testing.T) {
	within(t, func(o *Options) { o.Concurrency = 40 }, func(t *testing.T, b *bench) {
		var class atomic.Value
		class.Store(receiver.Class(""))
		b.source.Fail(func(operation string, _ *message.Message) error {
			if now := class.Load().(receiver.Class); operation == "receive" && now != "" {
				return source(now)
			}
			return nil
		})
		b.source.Put("a")
		b.start()
		for _, now := range []receiver.Class{receiver.Network, receiver.Throttled, receiver.NotFound} {
			class.Store(now)
			b.source.Put("wake")
			time.Sleep(10 * time.Minute)
		}
		limits, _ := b.source.Receives()
		isTrue(t, len(limits) < 400, "%d receives in half an hour of trouble", len(limits))
		class.Store(receiver.Class(""))
		time.Sleep(time.Minute)
		isTrue(t, len(b.of(SourceDown)) == 3, "told %d times that the source is down, want 3", len(b.of(SourceDown)))
		isTrue(t, len(b.of(SourceUp)) == 2, "told %d times that the source is up, want 2", len(b.of(SourceUp)))
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

func TestAStartWithoutHopeEnds(t *testing.T) {
	for _, operation := range []string{"open", "receive"} {
		for _, class := range []receiver.Class{receiver.NotFound, receiver.Denied, receiver.Credentials, receiver.Broken} {
			t.Run(operation+" "+string(class), func(t *testing.T) {
				within(t, nil, func(t *testing.T, b *bench) {
					b.source.Fail(func(op string, _ *message.Message) error {
						if op == operation {
							return source(class)
						}
						return nil
					})
					b.start()
					if err := <-b.ended; receiver.ClassOf(err) != class {
						t.Errorf("Run = %v, want the source's error", err)
					}
					b.cancel()
				})
			})
		}
	}
}

func TestAStartWaitsForASourceThatIsAway(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Fail(func(string, *message.Message) error { return source(receiver.Network) })
		b.source.Put("a")
		b.start()
		time.Sleep(time.Hour)
		isTrue(t, len(b.of(SourceUp)) == 0, "told that the source is up")
		b.source.Fail(nil)
		time.Sleep(time.Minute)
		equal(t, "ends", b.ends(), "a delivered")
		b.stop(t)
	})
}

func TestASourceThatBreaksEndsTheRun(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.source.Put("a")
		b.start()
		b.source.Fail(func(string, *message.Message) error { return source(receiver.Broken) })
		b.source.Put("b")
		if err := <-b.ended; receiver.ClassOf(err) != receiver.Broken {
			t.Errorf("Run = %v, want the source's error", err)
		}
		b.cancel()
	})
}

func TestTheSourceIsAskedAgainAfterAFailure(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		failed := false
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation != "receive" || failed {
				return nil
			}
			failed = true
			return errors.New("passing")
		})
		b.source.Put("a")
		b.start()
		time.Sleep(2 * time.Second)
		isTrue(t, failed && b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

func TestStopInAPauseIsFollowedByNoReceive(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var stopping atomic.Bool
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation != "receive" {
				return nil
			}
			isTrue(t, !stopping.Load(), "a receive was issued after the stop")
			return source(receiver.Network)
		})
		b.start()
		time.Sleep(time.Minute) // the pauses are of seconds now
		stopping.Store(true)
		b.stop(t)
	})
}
