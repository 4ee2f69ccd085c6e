package transmitter_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/transmittertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeWorker can be reached or not, and records when it was probed.
type fakeWorker struct {
	open   atomic.Bool
	start  time.Time
	inside atomic.Int64

	mu     sync.Mutex
	probes []time.Duration // since start
}

func newFakeWorker(open bool) *fakeWorker {
	d := &fakeWorker{start: time.Now()}
	d.open.Store(open)
	return d
}

// probedAt returns when it was probed.
func (d *fakeWorker) probedAt() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.probes)
}

// probe takes a while, and fails the test that lets two probe at once.
func (d *fakeWorker) probe(context.Context) error {
	if d.inside.Add(1) > 1 {
		panic("two probes at once")
	}
	defer d.inside.Add(-1)
	d.mu.Lock()
	d.probes = append(d.probes, time.Since(d.start))
	d.mu.Unlock()
	time.Sleep(time.Millisecond)
	if !d.open.Load() {
		return errors.New("refused")
	}
	return nil
}

func (d *fakeWorker) answer(context.Context, *message.Message) message.Outcome {
	if !d.open.Load() {
		return message.Outcome{Cause: message.Unreached, Code: "refused", Reason: "connection refused"}
	}
	return message.Outcome{Verdict: message.Delivered}
}

func held(d *fakeWorker, opts transmitter.HoldOptions) (transmitter.Transmitter, *transmittertest.Memory) {
	worker := transmittertest.NewMemory(d.answer)
	opts.Probe = d.probe
	return transmitter.Wrap(worker, transmitter.Hold(opts)), worker
}

func milliseconds(times []time.Duration) []int64 {
	all := make([]int64, len(times))
	for i, d := range times {
		all[i] = d.Milliseconds()
	}
	return all
}

// isReady asks in a synctest bubble, where only waiting takes time.
func isReady(tr transmitter.Transmitter) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := tr.Ready(ctx, 0)
	return err == nil
}

func TestRefusedWorkerIsHeldAndProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeWorker(false)
		var changes []bool
		tr, _ := held(d, transmitter.HoldOptions{Changed: func(up bool, cause error) {
			if changes = append(changes, up); !up && (cause == nil || cause.Error() != "connection refused") {
				t.Errorf("down because of %v", cause)
			}
		}})
		if !isReady(tr) {
			t.Fatal("not ready at first")
		}
		for range 3 {
			if o := tr.Transmit(t.Context(), &message.Message{ID: "a"}); o.Cause != message.Unreached {
				t.Fatalf("outcome %+v", o)
			}
		}
		time.AfterFunc(20*time.Second, func() { d.open.Store(true) })
		n, err := tr.Ready(t.Context(), 0)
		if n != transmitter.Unlimited || err != nil {
			t.Fatalf("ready says %d, %v", n, err)
		}
		want := []int64{1000, 2501, 4752, 8128, 13129, 18130, 23131}
		if got := milliseconds(d.probedAt()); !slices.Equal(got, want) {
			t.Errorf("probed after %v ms, want %v", got, want)
		}
		if !slices.Equal(changes, []bool{false, true}) {
			t.Errorf("changes %v", changes)
		}
		if o := tr.Transmit(t.Context(), &message.Message{ID: "a"}); o.Verdict != message.Delivered {
			t.Errorf("outcome %+v", o)
		}
	})
}

func TestWorkerThatFailsIsStillUp(t *testing.T) {
	for name, o := range map[string]message.Outcome{
		"failed": {Cause: message.Failed}, "deferred": {Cause: message.Deferred}, "returned": {},
		"rejected": {Verdict: message.Rejected, Cause: message.Unreached},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := transmitter.Wrap(says(o), transmitter.Hold(transmitter.HoldOptions{Changed: func(bool, error) { t.Error("it changed") }}))
				tr.Transmit(t.Context(), &message.Message{ID: "a"})
				if !isReady(tr) {
					t.Error("not ready")
				}
			})
		})
	}
}

func TestNothingIsReceivedBeforeTheFirstProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeWorker(false)
		var changes []bool
		tr, _ := held(d, transmitter.HoldOptions{ProbeFirst: true, Changed: func(up bool, cause error) {
			if changes = append(changes, up); up == (cause != nil) {
				t.Errorf("up %v because of %v", up, cause)
			}
		}})
		time.AfterFunc(3*time.Second, func() { d.open.Store(true) })
		if _, err := tr.Ready(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if probes := d.probedAt(); probes[0] != 0 || len(probes) != 4 {
			t.Errorf("probed at %v, want at once and then 3 times", probes)
		}
		if !slices.Equal(changes, []bool{false, true}) {
			t.Errorf("changes %v", changes)
		}
	})
}

func TestWorkerThatIsThereAtFirstIsReadyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeWorker(true)
		var changes []bool
		tr, _ := held(d, transmitter.HoldOptions{ProbeFirst: true, Changed: func(up bool, _ error) { changes = append(changes, up) }})
		for range 3 {
			if _, err := tr.Ready(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(d.start); took > time.Second || len(d.probedAt()) != 1 {
			t.Errorf("took %v and %d probes", took, len(d.probedAt()))
		}
		if !slices.Equal(changes, []bool{true}) {
			t.Errorf("changes %v", changes)
		}
	})
}

func TestManyThatWaitShareTheProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeWorker(false)
		tr, _ := held(d, transmitter.HoldOptions{})
		tr.Transmit(t.Context(), &message.Message{ID: "a"})
		var ready atomic.Int64
		for range 20 {
			go func() {
				if _, err := tr.Ready(t.Context(), 0); err == nil {
					ready.Add(1)
				}
			}()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(d.probedAt()); n != 4 || ready.Load() != 0 {
			t.Errorf("%d probes in ten seconds, %d ready", n, ready.Load())
		}
		d.open.Store(true)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if ready.Load() != 20 {
			t.Errorf("%d of 20 are ready", ready.Load())
		}
	})
}

func TestProbesGoOnWhenTheOneThatMakesThemLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeWorker(false)
		tr, _ := held(d, transmitter.HoldOptions{})
		tr.Transmit(t.Context(), &message.Message{ID: "a"})
		first, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := tr.Ready(first, 0)
			left <- err
		}()
		synctest.Wait()
		stayed := make(chan error, 1)
		go func() {
			_, err := tr.Ready(t.Context(), 0)
			stayed <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the first to wait got %v", err)
		}
		d.open.Store(true)
		if err := <-stayed; err != nil {
			t.Error(err)
		}
		if took := time.Since(d.start).Truncate(100 * time.Millisecond); took != time.Second {
			t.Errorf("took %v: the probe's time was lost with it", took)
		}
	})
}

// The port accepts and yet the posts are refused: each round costs a second at least.
func TestRefusalAfterAGoodProbeIsNoHotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeWorker(true)
		worker := transmittertest.NewMemory(func(context.Context, *message.Message) message.Outcome {
			return message.Outcome{Cause: message.Unreached}
		})
		tr := transmitter.Wrap(worker, transmitter.Hold(transmitter.HoldOptions{Probe: d.probe}))
		for time.Since(d.start) < 10*time.Second {
			if _, err := tr.Ready(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			tr.Transmit(t.Context(), &message.Message{ID: "a"})
		}
		if n := len(worker.Handed()); n > 11 {
			t.Errorf("%d tries in ten seconds", n)
		}
	})
}

func TestWorkerThatGoesDownWhileNextIsWaitedForIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeWorker(false)
		tr, worker := held(d, transmitter.HoldOptions{})
		worker.SetReady(false)
		ready := make(chan struct{})
		go func() {
			_, _ = tr.Ready(t.Context(), 0)
			close(ready)
		}()
		synctest.Wait()
		tr.Transmit(t.Context(), &message.Message{ID: "a"})
		worker.SetReady(true)
		synctest.Wait()
		select {
		case <-ready:
			t.Fatal("ready while the worker is down")
		default:
		}
		d.open.Store(true)
		<-ready
	})
}

func TestAWorkerThatIsDownIsNotWaitedForAfterTheEnd(t *testing.T) {
	gates := map[string]func(t *testing.T) transmitter.Transmitter{
		"it was refused": func(t *testing.T) transmitter.Transmitter {
			d := newFakeWorker(false)
			tr, _ := held(d, transmitter.HoldOptions{})
			tr.Transmit(t.Context(), &message.Message{ID: "a"})
			return tr
		},
		"it is not healthy": func(t *testing.T) transmitter.Transmitter {
			return (&scriptedWorker{unhealthy: func(time.Duration) bool { return true }}).watch(t)
		},
	}
	for name, gate := range gates {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := gate(t)
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				begun := time.Now()
				for range 20 {
					if _, err := tr.Ready(ended, 0); !errors.Is(err, context.Canceled) {
						t.Fatalf("ready says %v, want %v", err, context.Canceled)
					}
				}
				if took := time.Since(begun); took > 0 {
					t.Errorf("it took %v to say so", took)
				}
			})
		})
	}
}
