package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/internal/contain"
)

const (
	maxBatch    = 10
	maxInFlight = 8
	linger      = 8 * time.Millisecond
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newBatcher(send func(context.Context, []*Entry) []error) *Batcher {
	return New(Options{Most: maxBatch, Calls: maxInFlight, Linger: linger, Send: send})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// A sink is what a batcher sends to: it writes batches down and answers after took.
type sink struct {
	mu      sync.Mutex
	batches []string
	open    int
	most    int
	took    time.Duration
}

func (s *sink) send(_ context.Context, batch []*Entry) []error {
	s.mu.Lock()
	var handles []string
	for _, r := range batch {
		handles = append(handles, r.ID)
	}
	s.batches = append(s.batches, strings.Join(handles, " "))
	s.open++
	s.most = max(s.most, s.open)
	s.mu.Unlock()
	time.Sleep(s.took)
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
	return make([]error, len(batch))
}

// sent returns the batches so far.
func (s *sink) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches)
}

// submitAll submits n entries, one after another and without waiting for results.
func submitAll(t *testing.T, b *Batcher, n int) *sync.WaitGroup {
	t.Helper()
	var waiting sync.WaitGroup
	for i := range n {
		waiting.Go(func() { must(t, b.Submit(t.Context(), fmt.Sprint(i), 0)) })
		synctest.Wait()
	}
	return &waiting
}

func TestFullBatchLeavesAtOnceAndTheRestAfterAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		b := newBatcher(s.send)
		defer b.Close()
		start := time.Now()
		waiting := submitAll(t, b, 13)
		if got := s.sent(); len(got) != 1 || got[0] != "0 1 2 3 4 5 6 7 8 9" {
			t.Errorf("batches = %q, want the first ten in order", got)
		}
		waiting.Wait()
		if got := s.sent(); len(got) != 2 || got[1] != "10 11 12" || time.Since(start) != linger {
			t.Errorf("batches = %q after %v, want the rest after %v", got, time.Since(start), linger)
		}
	})
}

func TestOpenCallsAreBoundedAndBatchesGrowMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{took: time.Second}
		b := newBatcher(s.send)
		defer b.Close()
		var all sync.WaitGroup
		for i := range maxInFlight + 5 {
			all.Go(func() { must(t, b.Submit(t.Context(), fmt.Sprint(i), 0)) })
			time.Sleep(2 * linger)
		}
		all.Wait()
		if s.most != maxInFlight {
			t.Errorf("%d calls open at most, want %d", s.most, maxInFlight)
		}
		got := s.sent()
		if last := got[len(got)-1]; len(got) != maxInFlight+1 || len(strings.Fields(last)) != 5 {
			t.Errorf("batches = %q, want the last five together", got)
		}
	})
}

func TestCloseSendsABatchThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		b := newBatcher(s.send)
		waiting := submitAll(t, b, 2)
		b.Close()
		if got := s.sent(); len(got) != 1 {
			t.Errorf("batches = %q, want one", got)
		}
		waiting.Wait()
		b.Close()
		if err := b.Submit(t.Context(), "late", 0); !errors.Is(err, ErrClosed) {
			t.Errorf("Submit after Close = %v", err)
		}
	})
}

func TestWhatCannotLeaveWithTenOthersLeavesAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{took: time.Second}
		b := newBatcher(s.send)
		defer b.Close()
		calls := submitAll(t, b, maxInFlight*maxBatch)
		rest := submitAll(t, b, maxBatch+3)
		calls.Wait()
		rest.Wait()
		var last []int
		for _, batch := range s.sent()[maxInFlight:] {
			last = append(last, len(strings.Fields(batch)))
		}
		if slices.Sort(last); !slices.Equal(last, []int{3, maxBatch}) {
			t.Errorf("batches of %v at the end, want of three and of ten", last)
		}
	})
}

func TestResultOfACallerThatLeftGoesToNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds = 7
		b := newBatcher(func(_ context.Context, batch []*Entry) []error {
			time.Sleep(seconds * time.Second)
			errs := make([]error, len(batch))
			for i, r := range batch {
				if r.ID == "left" {
					errs[i] = errors.New("not yours")
				}
			}
			return errs
		})
		defer b.Close()
		for range 20 { // an entry may be used again, and need not
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := b.Submit(ctx, "left", 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Submit = %v", err)
			}
			cancel()
			must(t, b.Submit(t.Context(), "stayed", 0))
		}
	})
}

func TestEveryEntryHasAResultWhateverTheCallDoes(t *testing.T) {
	panicked := func(err error) bool {
		var p *contain.Panic
		return errors.As(err, &p) && p.Value == "broken"
	}
	for name, c := range map[string]struct {
		send   func([]*Entry) []error
		failed func(error) bool
	}{
		"panics":               {func([]*Entry) []error { panic("broken") }, panicked},
		"returns no results":   {func([]*Entry) []error { return nil }, func(err error) bool { return errors.Is(err, errNoResult) }},
		"returns one too many": {func(batch []*Entry) []error { return make([]error, len(batch)+1) }, func(err error) bool { return err == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broken := true
				b := newBatcher(func(_ context.Context, batch []*Entry) []error {
					if broken {
						return c.send(batch)
					}
					return make([]error, len(batch))
				})
				defer b.Close()
				var waiting sync.WaitGroup
				for i := range maxBatch {
					waiting.Go(func() {
						if err := b.Submit(t.Context(), fmt.Sprint(i), 0); !c.failed(err) {
							t.Errorf("entry %d: %v", i, err)
						}
					})
				}
				waiting.Wait()
				broken = false
				must(t, b.Submit(t.Context(), "next", 0)) // the batcher goes on
			})
		})
	}
}
