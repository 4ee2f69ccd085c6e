package leases_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/dispatch/leases"
	"carrier/message"
	"carrier/receiver"
)

// A source notes when the leases of messages are renewed.
type source struct {
	receiver.Receiver
	mu      sync.Mutex
	renewed []time.Duration // since the test's begin, of each message
	begin   time.Time
	stuck   chan struct{} // Extend waits for it; nil for no wait
}

func (s *source) Extend(_ context.Context, all []*message.Message) []error {
	if s.stuck != nil {
		<-s.stuck
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range all {
		s.renewed = append(s.renewed, time.Since(s.begin))
		m.Renew(time.Now().Add(m.Lease))
	}
	return make([]error, len(all))
}

func leased(lease time.Duration) *message.Message {
	m := &message.Message{ID: "m", Lease: lease}
	m.Renew(time.Now().Add(lease))
	return m
}

func TestLeasesAreRenewedAtAThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{begin: time.Now()}
		r := leases.New(s, func(*message.Message, error) {})
		defer r.Close()
		var long, short leases.Lease
		r.Start(&long, leased(90*time.Second))
		r.Start(&short, leased(30*time.Second)) // is due before the one that was there
		time.Sleep(31 * time.Second)
		r.Stop(&short)
		time.Sleep(time.Minute)
		r.Stop(&long)
		time.Sleep(time.Hour)
		want := []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second, time.Minute, 90 * time.Second}
		if !slices.Equal(s.renewed, want) {
			t.Errorf("renewed after %v, want %v", s.renewed, want)
		}
	})
}

func TestNothingRunsWhileThereIsNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		r := leases.New(&source{}, func(*message.Message, error) {})
		var l leases.Lease
		r.Start(&l, leased(30*time.Second))
		r.Stop(&l)
		synctest.Wait()
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines more", n-before)
		}
		r.Close()
	})
}

func TestNoRenewalFollowsTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{begin: time.Now()}
		r := leases.New(s, func(*message.Message, error) {})
		var before, after leases.Lease
		r.Start(&before, leased(30*time.Second))
		r.Close()
		r.Start(&after, leased(30*time.Second))
		time.Sleep(time.Minute)
		if len(s.renewed) > 0 || r.Overdue() > 0 {
			t.Errorf("renewed after %v, overdue for %v", s.renewed, r.Overdue())
		}
	})
}

// A renewal under way is bounded by its call's own limit, and is not overdue.
func TestARenewalUnderWayIsNotOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{begin: time.Now(), stuck: make(chan struct{})}
		r := leases.New(s, func(*message.Message, error) {})
		var l leases.Lease
		r.Start(&l, leased(30*time.Second))
		time.Sleep(15 * time.Second)
		if late := r.Overdue(); late > 0 {
			t.Errorf("overdue for %v", late)
		}
		close(s.stuck)
		r.Stop(&l)
		r.Close()
	})
}
