package gopool

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryJobIsRunOnce(t *testing.T) {
	p := New()
	var done atomic.Int32
	var jobs sync.WaitGroup
	for range 1000 {
		jobs.Add(1)
		p.Go(func() { done.Add(1); jobs.Done() })
	}
	jobs.Wait()
	p.Close()
	if n := done.Load(); n != 1000 {
		t.Errorf("%d jobs were run, want 1000", n)
	}
}

func TestJobsThatWaitForEachOtherAllRun(t *testing.T) {
	p := New()
	defer p.Close()
	meet := make(chan struct{})
	var jobs sync.WaitGroup
	for range 10 {
		jobs.Add(2)
		p.Go(func() { meet <- struct{}{}; jobs.Done() })
		p.Go(func() { <-meet; jobs.Done() })
	}
	jobs.Wait()
}

func TestAnIdleGoroutineTakesTheNextJobAndLeavesInTheEnd(t *testing.T) {
	goleak.VerifyNone(t) // goroutines of other tests that end just now would be counted
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		p := New()
		for range 100 {
			p.Go(func() {})
			synctest.Wait()
		}
		if n := runtime.NumGoroutine() - before; n != 1 {
			t.Errorf("%d goroutines for jobs one after another, want 1", n)
		}
		time.Sleep(2*idleLimit + time.Millisecond)
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n != 0 {
			t.Errorf("%d goroutines are left without a job", n)
		}
		p.Close()
	})
}

func TestWhatABurstNeededLeavesWhileJobsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		p := New()
		defer p.Close()
		for range 100 {
			p.Go(func() { time.Sleep(time.Millisecond) })
		}
		for began := time.Now(); time.Since(began) <= 2*idleLimit; {
			time.Sleep(10 * time.Millisecond)
			p.Go(func() {})
			synctest.Wait()
		}
		if n := runtime.NumGoroutine() - before; n != 1 {
			t.Errorf("%d goroutines for jobs one after another, want 1", n)
		}
	})
}

func TestGoroutineEndsAfterALongJob(t *testing.T) {
	for name, c := range map[string]struct {
		took time.Duration
		kept int
	}{"a short job": {time.Millisecond, 1}, "a long job": {longJob, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := runtime.NumGoroutine()
				p := New()
				p.Go(func() { time.Sleep(c.took) })
				time.Sleep(c.took)
				synctest.Wait()
				if n := runtime.NumGoroutine() - before; n != c.kept {
					t.Errorf("%d goroutines are kept, want %d", n, c.kept)
				}
				p.Close()
			})
		})
	}
}
