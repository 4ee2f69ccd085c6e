package transmitter_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"carrier/dispatch"
	"carrier/message"
	"carrier/receiver/receivertest"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

var (
	failed500 = message.Outcome{Cause: message.Failed, Code: "5xx", Status: 500}
	success   = message.Outcome{Verdict: message.Delivered, Code: "2xx", Status: 200}
)

// readyNow says what Ready answers without waiting; 0 where it would wait.
func readyNow(t *testing.T, tr transmitter.Transmitter) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	n, err := tr.Ready(ctx, 0)
	if err != nil {
		return 0
	}
	return n
}

func TestBreakerOpensOnFailuresInARowAndOnNothingElse(t *testing.T) {
	again := func(cause message.Cause, code string) message.Outcome {
		return message.Outcome{Cause: cause, Code: code}
	}
	for name, c := range map[string]struct {
		outcomes []message.Outcome
		open     bool
	}{
		"three 500":                         {[]message.Outcome{failed500, failed500, failed500}, true},
		"a timeout, a reset and a 500":      {[]message.Outcome{again(message.Failed, "timeout"), again(message.Failed, "error"), failed500}, true},
		"two":                               {[]message.Outcome{failed500, failed500}, false},
		"a success between them":            {[]message.Outcome{failed500, failed500, success, failed500}, false},
		"an answer that puts the word off":  {[]message.Outcome{failed500, failed500, {Cause: message.Failed, Code: "2xx", Status: 202, Later: time.Hour}, failed500}, false},
		"a retry by token says nothing":     {[]message.Outcome{failed500, failed500, {Cause: message.Failed, Code: "2xx", Word: "retry"}, failed500}, true},
		"a permanent answer between them":   {[]message.Outcome{failed500, failed500, {Verdict: message.Rejected, Code: "4xx"}, failed500}, false},
		"a 429 between them says nothing":   {[]message.Outcome{failed500, failed500, again(message.Failed, "4xx"), failed500}, true},
		"a deferral between says nothing":   {[]message.Outcome{failed500, failed500, again(message.Deferred, "5xx"), failed500}, true},
		"429s":                              {[]message.Outcome{again(message.Failed, "4xx"), again(message.Failed, "4xx"), again(message.Failed, "4xx")}, false},
		"503s with Retry-After":             {[]message.Outcome{again(message.Deferred, "5xx"), again(message.Deferred, "5xx"), again(message.Deferred, "5xx")}, false},
		"a worker that cannot be connected": {[]message.Outcome{again(message.Unreached, "refused"), again(message.Unreached, "refused"), again(message.Unreached, "refused")}, false},
		"a stop":                            {[]message.Outcome{{}, {}, {}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				worker := transmittertest.NewMemory(nil)
				tr := transmitter.Wrap(worker, transmitter.Breaker(transmitter.BreakerOptions{Failures: 3, Cooldown: time.Minute}))
				for _, o := range c.outcomes {
					worker.SetAnswer(func(context.Context, *message.Message) message.Outcome { return o })
					if got := tr.Transmit(t.Context(), &message.Message{ID: "m"}); got != o {
						t.Errorf("the outcome became %+v", got)
					}
				}
				if open := readyNow(t, tr) == 0; open != c.open {
					t.Errorf("open: %v", open)
				}
			})
		})
	}
}

func TestOpenBreakerLetsOneProbeThroughAfterEachCooldown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []bool
		worker := says(failed500)
		tr := transmitter.Wrap(worker, transmitter.Breaker(transmitter.BreakerOptions{
			Failures: 1, Cooldown: 5 * time.Second, Changed: func(open bool) { changes = append(changes, open) },
		}))
		post := func() message.Outcome { return tr.Transmit(t.Context(), &message.Message{ID: "m"}) }
		post()
		for range 3 { // each probe fails
			if o := post(); o.Verdict != message.Retry || o.Cause != message.Unreached || o.Code != "" {
				t.Errorf("while it is open: %+v", o)
			}
			begun := time.Now()
			n, err := tr.Ready(t.Context(), 0)
			if n != 1 || err != nil || time.Since(begun) != 5*time.Second {
				t.Errorf("Ready = %d, %v after %v", n, err, time.Since(begun))
			}
			waiting, cancel := context.WithTimeout(t.Context(), time.Second)
			if n, err := tr.Ready(waiting, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with the probe promised: Ready = %d, %v", n, err)
			}
			cancel()
			post()
		}
		time.Sleep(5 * time.Second)
		worker.SetAnswer(transmittertest.Accept)
		post()
		if n := readyNow(t, tr); n != transmitter.Unlimited || !reflect.DeepEqual(changes, []bool{true, false}) {
			t.Errorf("after a good probe: Ready = %d, changes %v", n, changes)
		}
		if n := len(worker.Handed()); n != 5 {
			t.Errorf("%d were posted, want the first, three probes and the good one", n)
		}
	})
}

func TestProbeThatDecidesNothingIsFollowedByAnother(t *testing.T) {
	for name, answer := range map[string]transmittertest.Answer{
		"it was not made": func(context.Context, *message.Message) message.Outcome { return message.Outcome{} },
		"nobody listens": func(context.Context, *message.Message) message.Outcome {
			return message.Outcome{Cause: message.Unreached, Code: "refused"}
		},
		"it panicked": func(context.Context, *message.Message) message.Outcome { panic("x") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				worker := says(failed500)
				tr := transmitter.Wrap(worker, transmitter.Breaker(transmitter.BreakerOptions{Failures: 1, Cooldown: time.Second}))
				post := func() {
					defer func() { _ = recover() }()
					tr.Transmit(t.Context(), &message.Message{ID: "m"})
				}
				post()
				time.Sleep(time.Second)
				worker.SetAnswer(answer)
				post()
				if n, err := tr.Ready(t.Context(), 0); n != 1 || err != nil {
					t.Errorf("Ready = %d, %v", n, err)
				}
			})
		})
	}
}

// A worker answers 500 for ten minutes, while 1,000 messages wait in a queue that moves them to its dead
// letters after five receives.
func TestBreakerKeepsMessagesFromTheirDeadLetterQueueInAnOutage(t *testing.T) {
	const messages, outage = 1000, 10 * time.Minute
	deadAfter := func(t *testing.T, layers ...transmitter.Middleware) (dead int) {
		synctest.Test(t, func(t *testing.T) {
			source := receivertest.NewMemory(30 * time.Second)
			source.Redrive(5, "dead")
			source.Spread()
			for i := range messages {
				source.Put(fmt.Sprint(i))
			}
			up := time.Now().Add(outage)
			worker := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
				time.Sleep(10 * time.Millisecond)
				if time.Now().Before(up) {
					return failed500
				}
				return success
			})
			layers = append([]transmitter.Middleware{transmitter.Backoff(transmitter.BackoffOptions{
				Initial: time.Second, Multiplier: 2, Max: 15 * time.Minute,
			})}, layers...)
			d := dispatch.New(dispatch.Options{
				Receiver: source, Transmitter: transmitter.Wrap(worker, layers...), Concurrency: 10, Batch: 10, Receivers: 1, DrainTimeout: time.Second,
				Observe: func(dispatch.Event) {},
			})
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- d.Run(ctx) }()
			time.Sleep(outage + 20*time.Minute)
			stop()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			delivered := 0
			for _, s := range source.Settlements() {
				if s.Outcome.Verdict == message.Delivered {
					delivered++
				}
			}
			dead = messages - delivered - source.Left()
			if source.Left() != 0 {
				t.Errorf("%d messages are neither delivered nor dead letters", source.Left())
			}
		})
		return dead
	}
	with := deadAfter(t, transmitter.Breaker(transmitter.BreakerOptions{Failures: 10, Cooldown: 5 * time.Second}))
	without := deadAfter(t)
	t.Logf("dead letters of %d: %d with the breaker, %d without", messages, with, without)
	if with > messages*2/100 || without < messages*95/100 {
		t.Errorf("dead letters of %d: %d with the breaker, want at most 20; %d without, want nearly all", messages, with, without)
	}
}

func TestStateOfTheBreakerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		worker := transmittertest.NewMemory(nil)
		answer := func(o message.Outcome) {
			worker.SetAnswer(func(context.Context, *message.Message) message.Outcome { return o })
		}
		tr := transmitter.Wrap(worker, transmitter.Breaker(transmitter.BreakerOptions{Failures: 1, Cooldown: time.Minute}))
		is := func(want string) {
			t.Helper()
			if got := transmitter.BreakerState(tr); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		is(transmitter.BreakerClosed)
		answer(failed500)
		tr.Transmit(t.Context(), &message.Message{ID: "m"})
		is(transmitter.BreakerOpen)
		time.Sleep(time.Minute)
		is(transmitter.BreakerHalfOpen)
		tr.Transmit(t.Context(), &message.Message{ID: "m"})
		is(transmitter.BreakerOpen)
		time.Sleep(time.Minute)
		answer(success)
		tr.Transmit(t.Context(), &message.Message{ID: "m"})
		is(transmitter.BreakerClosed)
	})
	if got := transmitter.BreakerState(transmittertest.NewMemory(nil)); got != transmitter.BreakerClosed {
		t.Errorf("what is no breaker is %s", got)
	}
}
