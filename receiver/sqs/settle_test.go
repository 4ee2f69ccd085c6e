package sqs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/batch"
	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

func delivered() message.Outcome { return message.Outcome{Verdict: message.Delivered} }

func TestSettlementsLeaveTenACall(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 40, "")
		batch := b.take(t, 40)
		for i, err := range b.settle(t, batch, delivered()) {
			if err != nil {
				t.Errorf("message %d: %v", i, err)
			}
		}
		if n := b.server.Calls("DeleteMessageBatch"); n != 4 || b.seen.Of("call "+api.OpDelete) != 4 {
			t.Errorf("%d calls for 40 deletions, want 4", n)
		}
		if n := b.queue.Counts().All(); n != 0 {
			t.Errorf("%d messages left, want 0", n)
		}
	})
}

func TestLoneSettlementWaitsForAFewMillisecondsOnly(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		start := time.Now()
		must(t, b.Settle(t.Context(), m, delivered()))
		if took := time.Since(start); took != linger {
			t.Errorf("took %v", took)
		}
	})
}

func TestEachSettlementHasItsOwnResult(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 4, "")
		batch := b.take(t, 4)
		failures := map[string]*sqstest.EntryFault{}
		ids := b.queue.IDs()
		failures["1"] = &sqstest.EntryFault{Code: "ReceiptHandleIsInvalid", SenderFault: true}
		failures["2"] = &sqstest.EntryFault{Code: "InternalError"}
		b.server.Inject("DeleteMessageBatch", sqstest.Fault{Entry: func(_ int, id string) *sqstest.EntryFault { return failures[id] }})
		errs := b.settle(t, batch, delivered())
		var lost, failed int
		for i, err := range errs {
			gone := !slices.Contains(b.queue.IDs(), batch[i].ID)
			if gone != (err == nil) {
				t.Errorf("message %d: gone %v, but Settle = %v", i, gone, err)
			}
			switch {
			case errors.Is(err, receiver.ErrLeaseLost):
				lost++
			case receiver.ClassOf(err) == receiver.Network:
				failed++
			}
		}
		if lost != 1 || failed != 1 || len(ids) != 4 {
			t.Errorf("errors = %v, want one lost and one of the service", errs)
		}
		for i, err := range errs {
			if err != nil {
				must(t, b.Settle(t.Context(), batch[i], delivered()))
			}
		}
		if n := b.queue.Counts().All(); n != 0 {
			t.Errorf("%d messages left after the second try, want 0", n)
		}
	})
}

func TestLostAnswerIsAnErrorAndTheSecondTrySucceeds(t *testing.T) {
	for name, drop := range map[string]sqstest.Drop{
		"before the work":     sqstest.BeforeWork,
		"in place of answer":  sqstest.AfterWork,
		"half way through it": sqstest.MidAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, b bench) {
				b.send(t, 3, "")
				batch := b.take(t, 3)
				b.server.Inject("DeleteMessageBatch", sqstest.Fault{Drop: drop})
				for i, err := range b.settle(t, batch, delivered()) {
					if receiver.ClassOf(err) != receiver.Network {
						t.Errorf("message %d: %v, want a network error", i, err)
					}
				}
				for i, err := range b.settle(t, batch, delivered()) {
					if err != nil {
						t.Errorf("message %d, second try: %v", i, err)
					}
				}
				if n := b.queue.Counts().All(); n != 0 {
					t.Errorf("%d messages left, want 0", n)
				}
			})
		})
	}
}

func TestDelayIsWholeSecondsWithinWhatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		delay, held time.Duration
		want        int
	}{
		"none":                        {delay: 0, want: 0},
		"negative":                    {delay: -time.Hour, want: 0},
		"a fraction is rounded up":    {delay: 1200 * time.Millisecond, want: 2},
		"a nanosecond is a second":    {delay: 1, want: 1},
		"beyond twelve hours":         {delay: 20 * time.Hour, want: 12*3600 - 60},
		"beyond what is left of them": {delay: 11 * time.Hour, held: 2 * time.Hour, want: 10*3600 - 60},
		"nothing is left":             {delay: time.Hour, held: 12*time.Hour - 30*time.Second, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{VisibilityTimeout: 12 * time.Hour}, func(t *testing.T, b bench) {
				b.send(t, 1, "")
				m := b.take(t, 1)[0]
				time.Sleep(c.held)
				must(t, b.Settle(t.Context(), m, message.Outcome{Cause: message.Deferred, Delay: c.delay}))
				changes := b.queue.VisibilityChanges()
				if len(changes) != 1 || changes[0].Seconds != c.want || changes[0].Code != "" {
					t.Errorf("changes = %+v, want one of %d s", changes, c.want)
				}
			})
		})
	}
}

func TestCallerThatLeavesDoesNotCutTheOthersBatch(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 2, "")
		batch := b.take(t, 2)
		release := make(chan struct{})
		b.server.Inject("DeleteMessageBatch", sqstest.Fault{Hold: release})
		ctx, cancel := context.WithCancel(t.Context())
		var errs [2]error
		var calls sync.WaitGroup
		calls.Go(func() { errs[0] = b.Settle(ctx, batch[0], delivered()) })
		calls.Go(func() { errs[1] = b.Settle(t.Context(), batch[1], delivered()) })
		time.Sleep(10 * time.Millisecond)
		cancel()
		synctest.Wait()
		close(release)
		calls.Wait()
		if !errors.Is(errs[0], context.Canceled) || errs[1] != nil {
			t.Errorf("errors = %v, want context canceled and nil", errs)
		}
		if n := b.queue.Counts().All(); n != 0 {
			t.Errorf("%d messages left, want 0", n)
		}
	})
}

func TestSettleWithAnEndedContextSendsNothing(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Settle(ctx, m, delivered()); !errors.Is(err, context.Canceled) {
			t.Errorf("Settle = %v", err)
		}
		if n := b.server.Calls("DeleteMessageBatch"); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestHangingCallDoesNotEatTheLease(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		b.server.Inject("DeleteMessageBatch", sqstest.Fault{Delay: time.Hour})
		err := b.Settle(t.Context(), m, delivered())
		if receiver.ClassOf(err) != receiver.Network || !time.Now().Before(m.Expires()) {
			t.Errorf("Settle = %v, %v before the lease's end", err, time.Until(m.Expires()))
		}
		must(t, b.Settle(t.Context(), m, delivered()))
	})
}

func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sqstest.New(sqstest.Options{})
		q := mustCreate(t, s, "q")
		r, seen := receiverOn(t, s, Options{})
		must(t, r.Open(t.Context()))
		b := bench{r, s, q, seen}
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.Settle(ctx, m, delivered()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Settle = %v", err)
		}
		must(t, r.Close()) // the entry is still waiting for company
		if n := q.Counts().All(); n != 0 {
			t.Errorf("%d messages left after Close, want 0", n)
		}
		if err := r.Settle(t.Context(), m, delivered()); !errors.Is(err, batch.ErrClosed) {
			t.Errorf("Settle after Close = %v", err)
		}
	})
}

func TestSettlementOfAGroupHardlyWaitsForOthers(t *testing.T) {
	for name, want := range map[string]time.Duration{"q": linger, "q.fifo": fifoLinger} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{QueueName: name}, func(t *testing.T, b bench) {
				b.send(t, 1, "g")
				m := b.take(t, 1)[0]
				begun := time.Now()
				must(t, b.Settle(t.Context(), m, delivered()))
				if waited := time.Since(begun); waited != want {
					t.Errorf("it waited %v, want %v", waited, want)
				}
			})
		})
	}
}
