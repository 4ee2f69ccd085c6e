package transmitter_test

import (
	"context"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func TestMiddlewaresKeepThePromises(t *testing.T) {
	always := func(context.Context) error { return nil }
	cases := map[string]transmitter.Middleware{
		"hold":    transmitter.Hold(transmitter.HoldOptions{Probe: always, ProbeFirst: true}),
		"gate":    healthyGate(t),
		"give up": transmitter.GiveUp(transmitter.GiveUpOptions{MaxAttempts: 9, MaxAge: time.Hour}),
		"failover": func(next transmitter.Transmitter) transmitter.Transmitter {
			return transmitter.NewFailover(transmitter.FailoverOptions{Endpoints: []transmitter.Transmitter{next}})
		},
		"channels": func(next transmitter.Transmitter) transmitter.Transmitter {
			first := transmitter.Channel{Transmitter: next, Down: func() bool { return false }}
			return transmitter.Channels(transmitter.Timeouts{Channel: time.Hour}, first, first)
		},
		"breaker":       transmitter.Breaker(transmitter.BreakerOptions{Failures: 1000, Cooldown: time.Second}),
		"rate limit":    transmitter.RateLimit(transmitter.RateLimitOptions{PerSecond: 1e6, Burst: 1000}),
		"first success": transmitter.UntilFirstSuccess(func(int) {}),
		"backoff": transmitter.Backoff(transmitter.BackoffOptions{
			Initial: time.Second, Max: time.Minute, Jitter: transmitter.FullJitter, Random: func() float64 { return 0 },
		}),
	}
	for name, middleware := range cases {
		t.Run(name, func(t *testing.T) {
			transmittertest.Run(t, func(_ *testing.T, worker transmittertest.Worker) transmitter.Transmitter {
				return transmitter.Wrap(transmittertest.NewMemory(answering(worker)), middleware)
			})
		})
	}
}

// healthyGate is the gate of a worker that has been found healthy.
func healthyGate(t *testing.T) transmitter.Middleware {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := transmitter.NewChecker(transmitter.CheckerOptions{
		Check:    func(context.Context) error { return nil },
		Interval: time.Hour,
		Timeout:  time.Hour,
		Changed:  func(bool, error) { stop() },
	})
	c.Run(ctx)
	return c.Gate
}

func answering(worker transmittertest.Worker) transmittertest.Answer {
	outcomes := map[transmittertest.Word]message.Outcome{
		transmittertest.Done:  {Verdict: message.Delivered, Code: "2xx"},
		transmittertest.Fail:  {Cause: message.Failed, Code: "5xx", Reason: "failed"},
		transmittertest.Later: {Cause: message.Deferred, Delay: transmittertest.DeferredFor, Code: "5xx", Reason: "later"},
		transmittertest.Never: {Verdict: message.Rejected, Code: "4xx", Reason: "never"},
	}
	return func(ctx context.Context, m *message.Message) message.Outcome {
		word := make(chan transmittertest.Word, 1)
		go func() { word <- worker(m.ID, m.Body) }()
		select {
		case <-ctx.Done():
			return message.Outcome{Cause: message.Failed, Code: "error", Reason: "cut off: the drain time is over"}
		case w := <-word:
			return outcomes[w]
		}
	}
}
