package publisher_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/publisher"
	"carrier/publisher/publishertest"
)

var errBroken = errors.New("connection reset")

// A slow queue takes a time for each Publish, and writes down how many messages each had.
type slow struct {
	*publishertest.Memory
	takes time.Duration
	opens func() error

	mu    sync.Mutex
	calls []int
}

func (s *slow) Open(context.Context) error {
	if s.opens != nil {
		return s.opens()
	}
	return nil
}

func (s *slow) Publish(ctx context.Context, batch []*message.Message) []publisher.Result {
	s.mu.Lock()
	s.calls = append(s.calls, len(batch))
	s.mu.Unlock()
	select {
	case <-time.After(s.takes):
		return s.Memory.Publish(ctx, batch)
	case <-ctx.Done():
		return publisher.Repeat(publisher.Result{Err: ctx.Err()}, len(batch))
	}
}

func newSlow(takes time.Duration) *slow {
	return &slow{Memory: publishertest.NewMemory(publisher.Limits{}), takes: takes}
}

// opened returns a target over s, which is open.
func opened(t *testing.T, s *slow, o publisher.TargetOptions) *publisher.Target {
	t.Helper()
	o.Publisher = s
	target := publisher.NewTarget(o)
	if err := target.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return target
}

func closeTarget(t *testing.T, target *publisher.Target) {
	t.Helper()
	if err := target.Close(); err != nil {
		t.Error(err)
	}
}

func body(i int) *message.Message { return &message.Message{Body: fmt.Append(nil, i)} }

func TestMessagesOfManyCallersShareCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(10 * time.Millisecond)
		target := opened(t, s, publisher.TargetOptions{Most: 10, Calls: 2})
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if r := target.Put(t.Context(), body(i)); r.Err != nil || r.ID == "" {
					t.Errorf("message %d: %+v", i, r)
				}
			})
		}
		all.Wait()
		closeTarget(t, target)
		if len(s.calls) != 4 || len(s.Messages()) != 40 {
			t.Errorf("calls of %v messages, %d stored; want four of ten", s.calls, len(s.Messages()))
		}
	})
}

func TestMessageThatIsGivenUpBeforeItIsSentIsNotStored(t *testing.T) {
	for name, c := range map[string]struct {
		most   int
		stored int // of the call that is open when its caller gives up
	}{"a call for each message, which ends with its caller": {1, 0}, "calls that others share, which go on": {10, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlow(time.Second)
				target := opened(t, s, publisher.TargetOptions{Most: c.most})
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				results := make([]publisher.Result, 2)
				var both sync.WaitGroup
				both.Go(func() { results[0] = target.Put(ctx, body(0)) })
				time.Sleep(100 * time.Millisecond)
				both.Go(func() { results[1] = target.Put(ctx, body(1)) }) // behind the one call that may be open
				both.Wait()
				if results[0].Err == nil || publisher.IsRefused(results[0].Err) {
					t.Errorf("sent and not answered: %v, want that nobody knows", results[0].Err)
				}
				if !publisher.IsRefused(results[1].Err) || publisher.WhyOf(results[1].Err) != publisher.NotNow {
					t.Errorf("not sent: %v, want that it was refused for now", results[1].Err)
				}
				time.Sleep(time.Minute)
				closeTarget(t, target)
				if stored := s.Messages(); len(stored) != c.stored {
					t.Errorf("stored %d messages, want %d", len(stored), c.stored)
				}
			})
		})
	}
}

// What its caller waits for and does not get counts; that the caller has gone does not.
func TestCallerThatGivesUpSaysNothingOfTheQueueUnlessItsTimeWasOver(t *testing.T) {
	for name, c := range map[string]struct {
		ends func(context.Context) (context.Context, context.CancelFunc)
		up   bool
	}{
		"its time is over": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 100*time.Millisecond)
		}, false},
		"it has gone": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(100*time.Millisecond, cancel)
			return ctx, cancel
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := opened(t, newSlow(time.Second), publisher.TargetOptions{Failures: 2})
				for range 2 {
					ctx, cancel := c.ends(t.Context())
					if r := target.Put(ctx, body(0)); r.Err == nil || publisher.IsRefused(r.Err) {
						t.Errorf("result %v, want one that nobody knows", r.Err)
					}
					cancel()
				}
				if target.IsUp() != c.up {
					t.Errorf("the queue takes messages: %v, want %v", target.IsUp(), c.up)
				}
				closeTarget(t, target)
			})
		})
	}
}

func TestCloseWaitsForNoCallThatNobodyEnds(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		took time.Duration // of Close
	}{"a call for each message, until its time is over": {1, 5 * time.Second}, "calls that others share, not at all": {10, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := opened(t, newSlow(time.Hour), publisher.TargetOptions{Most: c.most, Timeout: 6 * time.Second})
				results := make([]publisher.Result, 2)
				var both sync.WaitGroup
				both.Go(func() { results[0] = target.Put(t.Context(), body(0)) })
				time.Sleep(500 * time.Millisecond)
				both.Go(func() { results[1] = target.Put(t.Context(), body(1)) }) // behind it
				time.Sleep(500 * time.Millisecond)
				began := time.Now()
				closeTarget(t, target)
				if took := time.Since(began).Round(100 * time.Millisecond); took != c.took {
					t.Errorf("Close took %v, want %v", took, c.took)
				}
				both.Wait()
				for i, r := range results {
					if r.Err == nil {
						t.Errorf("message %d: %+v", i, r)
					}
				}
				if r := target.Put(t.Context(), body(2)); !publisher.IsRefused(r.Err) {
					t.Errorf("Put after Close = %v, want a refusal", r.Err)
				}
				closeTarget(t, target)
			})
		})
	}
}

func TestCallThatTakesTooLongIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := opened(t, newSlow(time.Hour), publisher.TargetOptions{Timeout: 5 * time.Second})
		began := time.Now()
		r := target.Put(t.Context(), body(0))
		if !errors.Is(r.Err, context.DeadlineExceeded) || publisher.IsRefused(r.Err) {
			t.Errorf("result %v, want one that nobody knows", r.Err)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %v", took)
		}
		closeTarget(t, target)
	})
}

func TestNothingButProbesIsSentWhileTheQueueIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(time.Millisecond)
		var told []string
		target := opened(t, s, publisher.TargetOptions{Failures: 3, Cooldown: time.Second, Changed: func(up bool, cause error) {
			told = append(told, fmt.Sprint(up, " ", cause))
		}})
		down := true
		s.Fail(func(*message.Message) publishertest.Failure {
			if down {
				return publishertest.Failure{Refusal: errBroken}
			}
			return publishertest.Failure{}
		})
		for i := range 3 {
			if r := target.Put(t.Context(), body(i)); errors.Is(r.Err, publisher.ErrAway) {
				t.Fatalf("message %d: %v before three calls have failed", i, r.Err)
			}
		}
		if r := target.Put(t.Context(), body(3)); !errors.Is(r.Err, publisher.ErrAway) || !errors.Is(r.Err, errBroken) || !publisher.IsRefused(r.Err) {
			t.Errorf("result %v, want a refusal: away, and why", r.Err)
		}
		if n, err := target.Ready(ended(t), 0); n != 0 || err == nil {
			t.Errorf("Ready = %d, %v while it is away", n, err)
		}
		if n, err := target.Ready(t.Context(), 0); n != 1 || err != nil {
			t.Errorf("Ready = %d, %v, want one probe after the cooldown", n, err)
		}
		if r := target.Put(t.Context(), body(4)); errors.Is(r.Err, publisher.ErrAway) {
			t.Errorf("the probe was not sent: %v", r.Err)
		}
		if r := target.Put(t.Context(), body(5)); !errors.Is(r.Err, publisher.ErrAway) {
			t.Errorf("result %v behind a probe that failed, want away", r.Err)
		}
		down = false
		if _, err := target.Ready(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			if r := target.Put(t.Context(), body(6+i)); r.Err != nil {
				t.Errorf("message %d: %v, though the queue is there again", 6+i, r.Err)
			}
		}
		if n, _ := target.Ready(ended(t), 1000); n <= 1000 || !target.IsUp() {
			t.Errorf("Ready = %d, want any number", n)
		}
		closeTarget(t, target)
		if want := "[true <nil> false connection reset true <nil>]"; fmt.Sprint(told) != want {
			t.Errorf("told %v, want %s", told, want)
		}
		if n := len(s.calls); n != 6 {
			t.Errorf("%d calls, want three that fail, one probe that does, and two", n)
		}
	})
}

func TestProbeThatIsNotSentLeavesItsPlaceToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(time.Hour)
		target := opened(t, s, publisher.TargetOptions{Failures: 1, Timeout: 2 * time.Second})
		target.Put(t.Context(), body(0)) // cut
		time.Sleep(time.Second)
		if r := target.Put(ended(t), body(1)); !publisher.IsRefused(r.Err) {
			t.Errorf("result %v", r.Err)
		}
		s.takes = 0
		if r := target.Put(t.Context(), body(2)); r.Err != nil {
			t.Errorf("the next probe: %v", r.Err)
		}
		closeTarget(t, target)
	})
}

func TestQueueThatCannotBeOpenedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(0)
		tries := 0
		s.opens = func() error {
			if tries++; tries < 4 {
				return errBroken
			}
			return nil
		}
		target := publisher.NewTarget(publisher.TargetOptions{Publisher: s})
		var running sync.WaitGroup
		running.Go(func() { target.Run(t.Context()) })
		synctest.Wait()
		if r := target.Put(t.Context(), body(0)); !errors.Is(r.Err, publisher.ErrAway) || !errors.Is(r.Err, errBroken) {
			t.Errorf("result %v before it was opened, want away, and why", r.Err)
		}
		if _, known := target.Limits(); known {
			t.Error("the limits of a queue that was not reached are known")
		}
		if n, err := target.Ready(t.Context(), 0); n == 0 || err != nil {
			t.Errorf("Ready = %d, %v", n, err)
		}
		running.Wait()
		if r := target.Put(t.Context(), body(0)); r.Err != nil || tries != 4 {
			t.Errorf("result %v after %d tries", r.Err, tries)
		}
		closeTarget(t, target)
	})
}

func TestMessageThatIsNoGoodSaysNothingOfTheQueue(t *testing.T) {
	s := newSlow(0)
	target := opened(t, s, publisher.TargetOptions{Failures: 1})
	r := target.Put(t.Context(), &message.Message{Body: make([]byte, 2<<20)})
	if publisher.WhyOf(r.Err) != publisher.TooLarge || !target.IsUp() {
		t.Errorf("result %v, up %v", r.Err, target.IsUp())
	}
	closeTarget(t, target)
}

// ended returns a context that has ended.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestEachCallIsToldOfWithTheTimeItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		target := opened(t, newSlow(3*time.Second), publisher.TargetOptions{
			Timeout: 2 * time.Second, Called: func(d time.Duration) { took = append(took, d) },
		})
		target.Put(t.Context(), &message.Message{ID: "a"})
		if len(took) != 1 || took[0] != 2*time.Second {
			t.Errorf("told of %v, want one call of 2s that was cut", took)
		}
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	})
}
