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
		"a retry by token says nothing":     {[]message.Outcome{failed500, failed500, {Cause: message.Failed, Code: "2xx", TokenVerdict: message.RetryByToken}, failed500}, true},
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

func TestOpenBreakerLetsOneProbeThroughAfterEachCooldownThatGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []bool
		worker := says(failed500)
		tr := transmitter.Wrap(worker, transmitter.Breaker(transmitter.BreakerOptions{
			Failures: 1, Cooldown: 5 * time.Second, Changed: func(open bool) { changes = append(changes, open) },
		}))
		post := func() message.Outcome { return tr.Transmit(t.Context(), &message.Message{ID: "m"}) }
		post()
		for _, cooldown := range []time.Duration{5, 10, 10, 10} { // each probe fails
			if o := post(); o.Verdict != message.Retry || o.Cause != message.Unreached || o.Code != "" {
				t.Errorf("while it is open: %+v", o)
			}
			begun := time.Now()
			n, err := tr.Ready(t.Context(), 0)
			if n != 1 || err != nil || time.Since(begun) != cooldown*time.Second {
				t.Errorf("Ready = %d, %v after %v", n, err, time.Since(begun))
			}
			waiting, cancel := context.WithTimeout(t.Context(), time.Second)
			if n, err := tr.Ready(waiting, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with the probe promised: Ready = %d, %v", n, err)
			}
			cancel()
			post()
		}
		time.Sleep(10 * time.Second)
		worker.SetAnswer(transmittertest.Accept)
		post()
		if n := readyNow(t, tr); n != transmitter.Unlimited || !reflect.DeepEqual(changes, []bool{true, false}) {
			t.Errorf("after a good probe: Ready = %d, changes %v", n, changes)
		}
		if n := len(worker.Handed()); n != 6 {
			t.Errorf("%d were posted, want the first, four probes and the good one", n)
		}
		worker.SetAnswer(func(context.Context, *message.Message) message.Outcome { return failed500 })
		post()
		begun := time.Now()
		if _, err := tr.Ready(t.Context(), 0); err != nil || time.Since(begun) != 5*time.Second {
			t.Errorf("open anew: Ready after %v, %v", time.Since(begun), err)
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
	breaker := transmitter.Breaker(transmitter.BreakerOptions{Failures: 10, Cooldown: 5 * time.Second})
	for name, c := range map[string]struct {
		spread, groups bool
		layers         []transmitter.Middleware
		least, most    int
	}{
		"what was given back comes behind the others": {true, false, []transmitter.Middleware{breaker}, 0, 0},
		"the oldest comes first":                      {false, false, []transmitter.Middleware{breaker}, 1, 20},
		"the oldest of each of 50 groups comes first": {false, true, []transmitter.Middleware{breaker}, 1, 20},
		"without a breaker":                           {true, false, nil, 950, 1000},
		"without a breaker, the oldest first":         {false, false, nil, 950, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := receivertest.NewMemory(30 * time.Second)
				source.Redrive(5, "dead")
				if c.spread {
					source.Spread()
				}
				for i := range 1000 {
					group := ""
					if c.groups {
						group = fmt.Sprint(i % 50)
					}
					source.Add(receivertest.Put{Group: group}, fmt.Sprint(i))
				}
				dead, last := deadLettersOfAnOutage(t, source, 10*time.Minute, c.layers...)
				t.Logf("%d dead letters of 1,000; the first delivery %v after the outage", dead, last)
				if dead < c.least || dead > c.most {
					t.Errorf("%d dead letters, want %d to %d", dead, c.least, c.most)
				}
			})
		})
	}
}

// deadLettersOfAnOutage runs a dispatcher of ten slots over source and a worker that answers 500 for so
// long, until nothing is left. It says how many messages were not delivered, and how long after the
// outage the first one was.
func deadLettersOfAnOutage(t *testing.T, source *receivertest.Memory, outage time.Duration, layers ...transmitter.Middleware) (dead int, first time.Duration) {
	t.Helper()
	all, up := source.Left(), time.Now().Add(outage)
	worker := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
		time.Sleep(10 * time.Millisecond)
		if time.Now().Before(up) {
			return failed500
		}
		return success
	})
	backoff := transmitter.Backoff(transmitter.BackoffOptions{Initial: time.Second, Multiplier: 2, Max: 15 * time.Minute})
	d := dispatch.New(dispatch.Options{
		Receiver: source, Transmitter: transmitter.Wrap(worker, append([]transmitter.Middleware{backoff}, layers...)...),
		Concurrency: 10, Batch: 10, Receivers: 1, DrainTimeout: time.Second,
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	time.Sleep(outage + 20*time.Minute)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if source.Left() != 0 {
		t.Errorf("%d messages are neither delivered nor dead letters", source.Left())
	}
	delivered := 0
	for _, s := range source.Settlements() {
		if s.Outcome.Verdict != message.Delivered {
			continue
		}
		if delivered++; delivered == 1 {
			first = s.At.Sub(up)
		}
	}
	return all - delivered, first
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
		time.Sleep(2 * time.Minute)
		answer(success)
		tr.Transmit(t.Context(), &message.Message{ID: "m"})
		is(transmitter.BreakerClosed)
	})
	if got := transmitter.BreakerState(transmittertest.NewMemory(nil)); got != transmitter.BreakerClosed {
		t.Errorf("what is no breaker is %s", got)
	}
}
