package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/receiver"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func TestTheLastReceiveIsSaid(t *testing.T) {
	deferred := message.Outcome{Cause: message.Deferred, Delay: time.Minute}
	redriven := message.Outcome{Verdict: message.Rejected}
	cases := map[string]struct {
		answers []message.Outcome
		said    int // how often
		posts   int
	}{
		"it fails each time":            {[]message.Outcome{failed(time.Second), failed(time.Second)}, 1, 2},
		"it is deferred at its last":    {[]message.Outcome{failed(time.Second), deferred}, 1, 2},
		"it is rejected and left there": {[]message.Outcome{failed(time.Second), redriven}, 1, 2},
		"it is delivered at its last":   {[]message.Outcome{failed(time.Second)}, 0, 2},
		"it is delivered before":        {nil, 0, 1},
		"it is given back at its last":  {[]message.Outcome{failed(time.Second), {}}, 1, 2},
		"it is rejected and dropped":    {[]message.Outcome{failed(time.Second), {Verdict: message.Rejected, Action: message.Drop}}, 0, 2},
		"nowhere to send its dead letter": {
			[]message.Outcome{failed(time.Second), {Verdict: message.Rejected, Action: message.DeadLetter}}, 1, 2,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, b *bench) {
				b.source.Redrive(2, "orders-dead")
				b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": c.answers}))
				b.source.Put("a")
				b.start()
				time.Sleep(time.Hour)
				said := 0
				for _, e := range b.of(Settled) {
					if e.LeftToRedrive() {
						said++
						isTrue(t, e.Message.RedriveTo == "orders-dead" && e.Message.ReceiveCount == 2, "said of receive %d: %q", e.Message.ReceiveCount, e.Message.RedriveTo)
					}
				}
				isTrue(t, said == c.said, "said %d times, want %d", said, c.said)
				isTrue(t, len(b.worker.Handed()) == c.posts, "%d posts, want %d", len(b.worker.Handed()), c.posts)
				b.stop(t)
			})
		})
	}
}

func TestADeliveryAfterFailuresKnowsOfThem(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"a": {failed(time.Second), failed(time.Second)}}))
		b.source.Put("a")
		b.start()
		time.Sleep(time.Minute)
		equal(t, "ends", b.ends(), "a failed", "a failed", "a delivered")
		last := b.of(Settled)[2]
		isTrue(t, last.Message.FailedAttempts() == 2, "%d failed attempts before the delivery, want 2", last.Message.FailedAttempts())
		b.stop(t)
	})
}

func TestAnOutcomeSaysWhenItsAttemptBegan(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		var begun time.Time
		b.worker.SetAnswer(func(_ context.Context, m *message.Message) message.Outcome {
			if m.ReceiveCount == 2 {
				return message.Outcome{Verdict: message.Rejected, Action: message.Drop, Reason: "too old"} // unposted
			}
			begun = time.Now()
			time.Sleep(time.Second)
			return failed(time.Minute)
		})
		b.source.Put("a")
		b.start()
		time.Sleep(2 * time.Minute)
		settled := b.of(Settled)
		isTrue(t, len(settled) == 2 && settled[0].Outcome.Attempted.Equal(begun), "attempted at %v, want %v", settled[0].Outcome.Attempted, begun)
		isTrue(t, settled[1].Outcome.Attempted.IsZero(), "attempted at %v though it was not posted", settled[1].Outcome.Attempted)
		b.stop(t)
	})
}

func TestASlowObserverOfTheSourceKeepsNobodyFromReceiving(t *testing.T) {
	within(t, func(o *Options) {
		o.Concurrency, o.Receivers, o.Batch = 4, 4, 1
		observe := o.Observe
		o.Observe = func(e Event) {
			if e.Kind == SourceDown {
				time.Sleep(time.Hour)
			}
			observe(e)
		}
	}, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		b.source.Put(ids(8)...)
		time.Sleep(10 * time.Second) // now several receives are open
		var failures atomic.Int32
		b.source.Fail(func(operation string, _ *message.Message) error {
			if operation == "receive" && failures.Add(1) == 1 {
				return &receiver.Error{Operation: "receive", Class: receiver.Network, Err: errors.New("cut")}
			}
			time.Sleep(time.Second) // the others succeed after it
			return nil
		})
		b.source.Put(ids(100)[50:]...)
		time.Sleep(5 * time.Minute)
		isTrue(t, b.source.Left() == 0, "%d left while one event is being told", b.source.Left())
		isTrue(t, len(b.of(SourceUp)) == 1, "told that the source is up before it was told that it is down")
		time.Sleep(2 * time.Hour)
		isTrue(t, len(b.of(SourceDown)) == 1 && len(b.of(SourceUp)) == 2, "told of %d and %d changes", len(b.of(SourceDown)), len(b.of(SourceUp)))
		b.stop(t)
	})
}

// An absent worker is no reason to give anything back, as long as nothing stops.
func TestWhatAnAbsentWorkerIsOwedIsHeld(t *testing.T) {
	cases := map[string]struct {
		back bool // the worker comes back
		ends []string
	}{
		"until it is back": {true, []string{"1 delivered", "2 delivered", "3 delivered"}},
		"until the stop":   {false, []string{"3 returned", "2 returned", "1 returned"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, func(o *Options) { o.Concurrency = 4 }, func(t *testing.T, b *bench) {
				b.worker.SetAnswer(func(context.Context, *message.Message) message.Outcome {
					b.worker.SetReady(false)
					return message.Outcome{Cause: message.Unreached, Code: "refused"}
				})
				b.putGroup("g", "1", "2", "3")
				b.start()
				time.Sleep(10 * leaseTime)
				equal(t, "ends while the worker is away", b.ends())
				isTrue(t, b.source.Held() == 3, "%d under their leases, want 3", b.source.Held())
				if c.back {
					b.worker.SetAnswer(transmittertest.Accept)
					b.worker.SetReady(true)
					synctest.Wait()
				}
				b.source.Fail(slowSettle(time.Second)) // the head goes back when its tail is back
				b.stop(t)
				// What is given back may come once more, to a receive that is open at the stop.
				equal(t, "ends", b.ends()[:3], c.ends...)
				for _, s := range b.source.Settlements() {
					isTrue(t, s.Outcome.Delay == 0, "%s was hidden for %v", s.ID, s.Outcome.Delay)
				}
				for _, m := range b.worker.Messages() {
					isTrue(t, m.ReceiveCount == 1, "%s was received %d times", m.ID, m.ReceiveCount)
				}
				isTrue(t, !slices.ContainsFunc(b.of(Attempted), func(e Event) bool { return !e.Outcome.Attempted.IsZero() && e.Outcome.Cause == message.Unreached }), "an attempt was counted without a connection")
			})
		})
	}
}

// TestEachPostOfAFailoverIsToldOfOnce: the dispatcher tells of the attempt whose word counts, with the
// time that one took, and leaves the others to the transmitter.
func TestEachPostOfAFailoverIsToldOfOnce(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		first := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
			time.Sleep(time.Second)
			return failed(0)
		})
		second := transmittertest.NewMemory(takes(3 * time.Second))
		b.o.Transmitter = transmitter.NewFailover(transmitter.FailoverOptions{
			Endpoints: []transmitter.Transmitter{first, second},
			Attempted: func(m *message.Message, o message.Outcome) {
				b.observe(Event{Kind: Attempted, Message: m, Outcome: o, Took: o.Took})
			},
		})
		b.source.Put("a")
		b.start()
		time.Sleep(time.Minute)
		var told []string
		for _, e := range b.of(Attempted) {
			told = append(told, fmt.Sprint(e.Message.ID, " ", e.Outcome.Code, " ", e.Took))
		}
		equal(t, "attempts", told, "a 5xx 1s", "a 2xx 3s")
		b.stop(t)
	})
}
