package transmitter_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

// A scriptedWorker is healthy or not according to the time.
type scriptedWorker struct {
	start     time.Time
	unhealthy func(at time.Duration) bool

	mu      sync.Mutex
	checks  []int64 // milliseconds since start
	changes []string
}

// watch starts a Checker of p, with an interval of a minute, and stops it with the test.
func (p *scriptedWorker) watch(t *testing.T) transmitter.Transmitter {
	t.Helper()
	p.start = time.Now()
	c := transmitter.NewChecker(transmitter.CheckerOptions{
		Check: func(context.Context) error {
			at := time.Since(p.start)
			p.mu.Lock()
			p.checks = append(p.checks, at.Milliseconds())
			p.mu.Unlock()
			if p.unhealthy(at) {
				return errors.New("unhealthy")
			}
			return nil
		},
		Interval:  time.Minute,
		Timeout:   10 * time.Second,
		Threshold: 3,
		Changed: func(up bool, err error) {
			word := "down"
			if up {
				word = "up"
			}
			if up != (err == nil) {
				word += " with the wrong error"
			}
			p.mu.Lock()
			p.changes = append(p.changes, word)
			p.mu.Unlock()
		},
	})
	run(t, c)
	return transmitter.Wrap(transmittertest.NewMemory(nil), c.Gate)
}

// seen returns when p was checked and what was told of it, once all is at rest.
func (p *scriptedWorker) seen() (checks []int64, changes []string) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.checks), slices.Clone(p.changes)
}

func run(t *testing.T, c *transmitter.Checker) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		c.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
}

func TestNothingIsReceivedBeforeTheWorkerIsHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptedWorker{unhealthy: func(at time.Duration) bool { return at < 2500*time.Millisecond }}
		tr := p.watch(t)
		if _, err := tr.Ready(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		checks, changes := p.seen()
		if want := []int64{0, 1000, 2000, 3000}; !slices.Equal(checks, want) {
			t.Errorf("checked at %v, want %v", checks, want)
		}
		if want := []string{"down", "up"}; !slices.Equal(changes, want) {
			t.Errorf("changes %v, want %v", changes, want)
		}
	})
}

func TestHealthyWorkerIsCheckedEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptedWorker{unhealthy: func(time.Duration) bool { return false }}
		tr := p.watch(t)
		time.Sleep(150 * time.Second)
		checks, changes := p.seen()
		if want := []int64{0, 60000, 120000}; !slices.Equal(checks, want) {
			t.Errorf("checked at %v, want %v", checks, want)
		}
		if want := []string{"up"}; !slices.Equal(changes, want) || !isReady(tr) {
			t.Errorf("changes %v, want %v", changes, want)
		}
	})
}

func TestWorkerIsOfflineAfterTheThresholdAndUntilItIsHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptedWorker{unhealthy: func(at time.Duration) bool { return at > time.Second && at < 182500*time.Millisecond }}
		tr := p.watch(t)
		time.Sleep(179 * time.Second) // two checks have failed
		if !isReady(tr) {
			t.Error("offline below the threshold")
		}
		time.Sleep(1500 * time.Millisecond)
		if isReady(tr) {
			t.Error("ready while offline")
		}
		if _, err := tr.Ready(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		checks, changes := p.seen()
		if want := []int64{0, 60000, 120000, 180000, 181000, 182000, 183000}; !slices.Equal(checks, want) {
			t.Errorf("checked at %v, want %v", checks, want)
		}
		if want := []string{"up", "down", "up"}; !slices.Equal(changes, want) {
			t.Errorf("changes %v, want %v", changes, want)
		}
	})
}

func TestOneGoodCheckForgivesTheFailedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptedWorker{unhealthy: func(at time.Duration) bool { return at != 0 && at != 3*time.Minute }}
		tr := p.watch(t)
		time.Sleep(5*time.Minute + time.Second)
		if !isReady(tr) {
			t.Error("offline although no three checks failed in a row")
		}
	})
}

func TestCheckThatTakesTooLongFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes := make(chan error, 1)
		run(t, transmitter.NewChecker(transmitter.CheckerOptions{
			Check: func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			},
			Interval: time.Minute,
			Timeout:  10 * time.Second,
			Changed:  func(_ bool, err error) { changes <- err },
		}))
		start := time.Now()
		if err := <-changes; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestMessageInFlightIsPostedWhateverTheHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptedWorker{unhealthy: func(time.Duration) bool { return true }}
		tr := p.watch(t)
		if o := tr.Transmit(t.Context(), &message.Message{ID: "a"}); o.Verdict != message.Delivered {
			t.Errorf("outcome %+v", o)
		}
	})
}

func TestOfflineWorkerDoesNotHoldTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptedWorker{unhealthy: func(time.Duration) bool { return true }}
		tr := p.watch(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := tr.Ready(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ready says %v", err)
		}
	})
}
