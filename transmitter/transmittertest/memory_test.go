package transmittertest_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryKeepsThePromises(t *testing.T) {
	transmittertest.Run(t, func(_ *testing.T, worker transmittertest.Worker) transmitter.Transmitter {
		return transmittertest.NewMemory(func(ctx context.Context, m *message.Message) message.Outcome {
			word := make(chan transmittertest.Word, 1)
			go func() { word <- worker(m.ID, m.Body) }()
			select {
			case <-ctx.Done():
				return message.Outcome{Cause: message.Failed, Code: "error", Reason: "cut off: the drain time is over"}
			case w := <-word:
				return outcomeOf(w)
			}
		})
	})
}

func outcomeOf(w transmittertest.Word) message.Outcome {
	switch w {
	case transmittertest.Done:
		return transmittertest.Accept(context.Background(), nil)
	case transmittertest.Later:
		return message.Outcome{
			Cause: message.Deferred, Delay: transmittertest.DeferredFor, Code: "5xx", Reason: "later",
		}
	case transmittertest.Never:
		return message.Outcome{Verdict: message.Rejected, Code: "4xx", Reason: "never"}
	default:
		return message.Outcome{Cause: message.Failed, Code: "5xx", Reason: "failed"}
	}
}

func TestMemoryRecordsWhatItWasHanded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
			time.Sleep(time.Second)
			return message.Outcome{}
		})
		for _, id := range []string{"a", "b", "a"} {
			go w.Transmit(t.Context(), &message.Message{ID: id})
			synctest.Wait()
		}
		if now, most := w.InFlight(); now != 3 || most != 3 {
			t.Errorf("in flight %d of at most %d, want 3 of 3", now, most)
		}
		if got := w.Held(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("holds %v", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if now, _ := w.InFlight(); now != 0 {
			t.Errorf("in flight %d at the end", now)
		}
		if got := w.Handed(); !slices.Equal(got, []string{"a", "b", "a"}) {
			t.Errorf("handed %v", got)
		}
		if got := w.Overlaps(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("overlaps %v", got)
		}
	})
}

func TestMemoryWaitsUntilItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := transmittertest.NewMemory(nil)
		w.SetReady(false)
		limits := make(chan int, 1)
		go func() {
			n, _ := w.Ready(t.Context(), 0)
			limits <- n
		}()
		synctest.Wait()
		if len(limits) != 0 {
			t.Fatal("ready at once")
		}
		w.SetLimit(3)
		if n := <-limits; n != 3 {
			t.Errorf("limit %d, want 3", n)
		}
	})
}
