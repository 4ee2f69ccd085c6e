package transmitter_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

// says is a worker that gives every message the same outcome.
func says(o message.Outcome) *transmittertest.Memory {
	return transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome { return o })
}

func TestBackoffGrowsWithTheFailedAttemptsUpToItsBound(t *testing.T) {
	cases := map[string]struct {
		multiplier       float64
		count, deferrals int
		most             time.Duration
	}{
		"first":                      {2, 1, 0, time.Second},
		"second":                     {2, 2, 0, 2 * time.Second},
		"fifth":                      {2, 5, 0, 16 * time.Second},
		"second, and three deferred": {2, 5, 3, 2 * time.Second},
		"at the bound":               {2, 11, 0, 15 * time.Minute},
		"far beyond it":              {2, math.MaxInt, 0, 15 * time.Minute},
		"a source that counts none":  {2, 0, 0, time.Second},
		"a slower one":               {1.5, 3, 0, 2250 * time.Millisecond},
		"one that does not grow":     {1, math.MaxInt, 0, time.Second},
		"a multiplier that is not 1": {0, 7, 0, time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, random := range []float64{0, 0.5, 0.999999} {
				for jitter, part := range map[transmitter.Jitter]float64{
					"": (1 + random) / 2, transmitter.EqualJitter: (1 + random) / 2,
					transmitter.FullJitter: random, transmitter.NoJitter: 1,
				} {
					tr := transmitter.Wrap(says(message.Outcome{Cause: message.Failed}), transmitter.Backoff(transmitter.BackoffOptions{
						Initial: time.Second, Multiplier: c.multiplier, Max: 15 * time.Minute, Jitter: jitter,
						Random: func() float64 { return random },
					}))
					got := tr.Transmit(t.Context(), &message.Message{ReceiveCount: c.count, Deferrals: c.deferrals}).Delay
					if want := time.Duration(part * float64(c.most)); got != want {
						t.Errorf("jitter %q, random %v: delay %v, want %v", jitter, random, got, want)
					}
				}
			}
		})
	}
}

func TestNoDelayGoesBeyondTheTimeout(t *testing.T) {
	failed, deferred := message.Outcome{Cause: message.Failed}, message.Outcome{Cause: message.Deferred, Delay: 12 * time.Hour}
	cases := map[string]struct {
		outcome message.Outcome
		age     time.Duration
		want    time.Duration
	}{
		"a backoff within it":        {failed, time.Minute, 10 * time.Minute},
		"a backoff beyond it":        {failed, 55 * time.Minute, 5*time.Minute + time.Millisecond},
		"a deferral beyond it":       {deferred, time.Minute, 59*time.Minute + time.Millisecond},
		"the last moment":            {deferred, time.Hour, time.Millisecond},
		"it is over, and redriven":   {message.Outcome{Verdict: message.Rejected}, 2 * time.Hour, 10 * time.Minute},
		"nobody knows how old it is": {deferred, 0, 12 * time.Hour},
		"it is given back at once":   {message.Outcome{}, 59 * time.Minute, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := transmitter.Wrap(says(c.outcome), transmitter.Backoff(transmitter.BackoffOptions{
					Initial: 10 * time.Minute, Max: time.Hour, Jitter: transmitter.NoJitter, MaxAge: time.Hour,
				}))
				m := &message.Message{ReceiveCount: 1}
				if c.age > 0 {
					m.Sent = time.Now().Add(-c.age)
				}
				if got := tr.Transmit(t.Context(), m).Delay; got != c.want {
					t.Errorf("delay %v, want %v", got, c.want)
				}
			})
		})
	}
}

// TestAMessageIsRejectedWhenItsTimeIsOver is a worker that defers everything for longer than
// anybody waits: the message comes back when it is too old, and is rejected unposted.
func TestAMessageIsRejectedWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		worker := says(message.Outcome{Cause: message.Deferred, Delay: 57 * 365 * 24 * time.Hour})
		tr := transmitter.Wrap(worker,
			transmitter.Backoff(transmitter.BackoffOptions{Initial: time.Second, Max: time.Minute, MaxAge: 72 * time.Hour}),
			transmitter.GiveUp(transmitter.GiveUpOptions{MaxAge: 72 * time.Hour, Action: message.DeadLetter}),
		)
		m := &message.Message{ID: "a", ReceiveCount: 1, Sent: time.Now()}
		begun := time.Now()
		time.Sleep(tr.Transmit(t.Context(), m).Delay)
		o := tr.Transmit(t.Context(), m)
		if took := time.Since(begun); o.Verdict != message.Rejected || o.Action != message.DeadLetter || took > 72*time.Hour+time.Second || len(worker.Handed()) != 1 {
			t.Errorf("outcome %+v after %v and %d posts, want a dead letter after 72h and one post", o, took, len(worker.Handed()))
		}
	})
}

func TestBackoffTouchesOnlyWhatHasNoDelayOfItsOwn(t *testing.T) {
	const given, own = 4 * time.Second, 3 * time.Second
	cases := map[string]struct {
		outcome message.Outcome
		want    time.Duration
	}{
		"failed":                   {message.Outcome{Cause: message.Failed}, given},
		"failed with its own":      {message.Outcome{Cause: message.Failed, Delay: own}, own},
		"rejected and redriven":    {message.Outcome{Verdict: message.Rejected}, given},
		"deferred":                 {message.Outcome{Cause: message.Deferred, Delay: own}, own},
		"deferred for no time":     {message.Outcome{Cause: message.Deferred}, 0},
		"returned":                 {message.Outcome{}, 0},
		"unreached":                {message.Outcome{Cause: message.Unreached}, 0},
		"delivered":                {message.Outcome{Verdict: message.Delivered}, 0},
		"delivered after a retry?": {message.Outcome{Verdict: message.Delivered, Cause: message.Failed}, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tr := transmitter.Wrap(says(c.outcome), transmitter.Backoff(transmitter.BackoffOptions{
				Initial: given, Max: time.Hour, Jitter: transmitter.NoJitter,
			}))
			if got := tr.Transmit(t.Context(), &message.Message{ReceiveCount: 1}).Delay; got != c.want {
				t.Errorf("delay %v, want %v", got, c.want)
			}
		})
	}
}

func TestBackoffSpreadsMessagesApart(t *testing.T) {
	tr := transmitter.Wrap(says(message.Outcome{Cause: message.Failed}), transmitter.Backoff(transmitter.BackoffOptions{
		Initial: time.Hour, Max: time.Hour, Jitter: transmitter.FullJitter,
	}))
	delays := make(map[time.Duration]bool)
	for range 100 {
		delay := tr.Transmit(t.Context(), &message.Message{ReceiveCount: 1}).Delay
		if delay < 0 || delay >= time.Hour {
			t.Fatalf("delay %v", delay)
		}
		delays[delay] = true
	}
	if len(delays) < 90 {
		t.Errorf("%d different delays of 100", len(delays))
	}
}

func TestRejectedMessageGetsItsAction(t *testing.T) {
	var (
		failed   = message.Outcome{Cause: message.Failed, Reason: "worker answered 500"}
		rejected = message.Outcome{Verdict: message.Rejected, Reason: "worker answered 404"}
		asked    = message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}
		deferred = message.Outcome{Cause: message.Deferred, Delay: time.Second}
	)
	cases := map[string]struct {
		attempts, count, deferrals int
		action                     message.Action
		outcome                    message.Outcome
		verdict                    message.Verdict
		wantAction                 message.Action
	}{
		"rejected, left to redrive":          {0, 9, 0, message.Redrive, rejected, message.Rejected, message.Redrive},
		"rejected, to be dropped":            {0, 1, 0, message.Drop, rejected, message.Rejected, message.Drop},
		"the worker's dead-letter stands":    {0, 1, 0, message.Drop, asked, message.Rejected, message.DeadLetter},
		"failed, attempts without limit":     {0, 999, 0, message.Drop, failed, message.Retry, 0},
		"failed, attempts left":              {3, 2, 0, message.Drop, failed, message.Retry, 0},
		"failed for the last time":           {3, 3, 0, message.DeadLetter, failed, message.Rejected, message.DeadLetter},
		"failed, but most were deferrals":    {3, 9, 7, message.Drop, failed, message.Retry, 0},
		"failed three times, and deferred":   {3, 9, 6, message.Drop, failed, message.Rejected, message.Drop},
		"failed beyond the last time":        {3, 4, 0, message.Redrive, failed, message.Rejected, message.Redrive},
		"deferred is not given up":           {3, 4, 0, message.Drop, deferred, message.Retry, 0},
		"unreached is not given up":          {3, 4, 0, message.Drop, message.Outcome{Cause: message.Unreached}, message.Retry, 0},
		"returned is not given up":           {3, 4, 0, message.Drop, message.Outcome{}, message.Retry, 0},
		"delivered at the last":              {3, 3, 0, message.Drop, message.Outcome{Verdict: message.Delivered}, message.Delivered, 0},
		"an unknown receive count goes on":   {3, 0, 0, message.Drop, failed, message.Retry, 0},
		"one attempt only, and that was it!": {1, 1, 0, message.Drop, failed, message.Rejected, message.Drop},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tr := transmitter.Wrap(says(c.outcome), transmitter.GiveUp(transmitter.GiveUpOptions{MaxAttempts: c.attempts, Action: c.action}))
			o := tr.Transmit(t.Context(), &message.Message{ReceiveCount: c.count, Deferrals: c.deferrals})
			if o.Verdict != c.verdict || o.Action != c.wantAction {
				t.Errorf("outcome %+v", o)
			}
			if !strings.Contains(o.Reason, c.outcome.Reason) {
				t.Errorf("reason %q lost %q", o.Reason, c.outcome.Reason)
			}
		})
	}
}

func TestOldMessageIsRejectedUnposted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		worker := transmittertest.NewMemory(nil)
		tr := transmitter.Wrap(worker, transmitter.GiveUp(transmitter.GiveUpOptions{MaxAge: time.Hour, Action: message.DeadLetter}))
		now := time.Now()
		for _, m := range []*message.Message{
			{ID: "young", Sent: now.Add(-time.Hour)},
			{ID: "of unknown age"},
			{ID: "from the future", Sent: now.Add(time.Hour)},
			{ID: "delayed by its producer", Sent: now.Add(-24 * time.Hour), Due: now.Add(-time.Hour)},
		} {
			if o := tr.Transmit(t.Context(), m); o.Verdict != message.Delivered {
				t.Errorf("%s: outcome %+v", m.ID, o)
			}
		}
		o := tr.Transmit(t.Context(), &message.Message{ID: "old", Sent: now.Add(-time.Hour - 1)})
		if o.Verdict != message.Rejected || o.Action != message.DeadLetter || o.Code != "" || o.Reason == "" {
			t.Errorf("outcome %+v", o)
		}
		if n := len(worker.Handed()); n != 4 {
			t.Errorf("%d were posted", n)
		}
	})
}

func TestMessagesOwnTimeoutCountsInPlaceOfTheGeneralOne(t *testing.T) {
	for name, c := range map[string]struct {
		own, general, age time.Duration
		rejected          bool
		delay             time.Duration // of a message that was deferred for 12 h
	}{
		"shorter, and it is over":     {time.Minute, time.Hour, 2 * time.Minute, true, 0},
		"shorter, and it is not over": {time.Minute, time.Hour, 30 * time.Second, false, 30*time.Second + time.Millisecond},
		"longer than the general one": {3 * time.Hour, time.Hour, 2 * time.Hour, false, time.Hour + time.Millisecond},
		"where there is no other":     {time.Minute, 0, 2 * time.Minute, true, 0},
		"none of its own":             {0, time.Hour, 2 * time.Hour, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := transmitter.Wrap(says(message.Outcome{Cause: message.Deferred, Delay: 12 * time.Hour}),
					transmitter.Backoff(transmitter.BackoffOptions{Initial: time.Second, Max: time.Hour, MaxAge: c.general}),
					transmitter.GiveUp(transmitter.GiveUpOptions{MaxAge: c.general, Action: message.DeadLetter}))
				o := tr.Transmit(t.Context(), &message.Message{Sent: time.Now().Add(-c.age), Timeout: c.own})
				if rejected := o.Verdict == message.Rejected; rejected != c.rejected || !rejected && o.Delay != c.delay {
					t.Errorf("outcome %+v", o)
				}
			})
		})
	}
}

func TestOldMessageLeftToRedriveDoesNotComeBackAtOnce(t *testing.T) {
	tr := transmitter.Wrap(says(message.Outcome{}),
		transmitter.Backoff(transmitter.BackoffOptions{Initial: time.Second, Max: time.Hour, Jitter: transmitter.NoJitter}),
		transmitter.GiveUp(transmitter.GiveUpOptions{MaxAge: time.Hour}),
	)
	o := tr.Transmit(t.Context(), &message.Message{ReceiveCount: 1, Sent: time.Now().Add(-2 * time.Hour)})
	if o.Verdict != message.Rejected || o.Action != message.Redrive || o.Delay != time.Second {
		t.Errorf("outcome %+v", o)
	}
}
