package transmitter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func TestMessagesAreWaitedForBeforeTheyAreReceived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := transmitter.Wrap(transmittertest.NewMemory(nil), transmitter.RateLimit(transmitter.RateLimitOptions{PerSecond: 10, Burst: 3}))
		if n, err := tr.Ready(t.Context(), 0); n != 3 || err != nil {
			t.Errorf("at first Ready = %d, %v", n, err)
		}
		for range 3 {
			tr.Transmit(t.Context(), &message.Message{ID: "m"})
		}
		begun := time.Now()
		if n, err := tr.Ready(t.Context(), 0); n != 1 || err != nil || !about(time.Since(begun), 100*time.Millisecond) {
			t.Errorf("Ready = %d, %v after %v", n, err, time.Since(begun))
		}
		if n, err := tr.Ready(t.Context(), 1); n != 2 || err != nil || !about(time.Since(begun), 200*time.Millisecond) {
			t.Errorf("with one promised Ready = %d, %v after %v", n, err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour/2)
		defer cancel()
		if n, err := tr.Ready(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with the whole burst promised Ready = %d, %v", n, err)
		}
	})
}

// about allows for what a rate in floating point is off by.
func about(got, want time.Duration) bool { return (got - want).Abs() < time.Millisecond }

func TestRateIsKeptByMessagesInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		worker := transmittertest.NewMemory(nil)
		tr := transmitter.Wrap(worker, transmitter.RateLimit(transmitter.RateLimitOptions{PerSecond: 10, Burst: 1}))
		begun := time.Now()
		for range 21 {
			if o := tr.Transmit(t.Context(), &message.Message{ID: "m"}); o.Verdict != message.Delivered {
				t.Fatalf("outcome %+v", o)
			}
		}
		if took := time.Since(begun); !about(took, 2*time.Second) {
			t.Errorf("21 took %v, want 2s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if o := tr.Transmit(ctx, &message.Message{ID: "m"}); o.Verdict != message.Retry || o.Cause != message.Returned {
			t.Errorf("at a stop: outcome %+v", o)
		}
		if n := len(worker.Handed()); n != 21 {
			t.Errorf("%d were handed over", n)
		}
	})
}
