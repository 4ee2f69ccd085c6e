package dispatch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver/receivertest"
	"carrier/transmitter/transmittertest"
)

// schedules is how many schedules are tried; each is made from its number.
const schedules = 150

// A schedule is everything that happens to one run, by chance.
type schedule struct {
	mu       sync.Mutex
	rand     *rand.Rand
	faults   bool
	dark     [2]time.Time        // between the two no lease is renewed
	accepted map[string]int      // 2xx of the worker by id
	order    map[string][]string // ids accepted by group, in order
}

func TestNothingIsLostWhateverHappens(t *testing.T) {
	for n := range schedules {
		t.Run(fmt.Sprint(n), func(t *testing.T) { runSchedule(t, uint64(n)) })
	}
}

func runSchedule(t *testing.T, n uint64) {
	s := &schedule{
		rand: rand.New(rand.NewPCG(n, n)), faults: n%2 == 1,
		accepted: map[string]int{}, order: map[string][]string{},
	}
	concurrency, prefetch := 1+s.chance(12), s.chance(6)-1
	change := func(o *Options) {
		o.Concurrency, o.Prefetch = concurrency, prefetch
		o.DrainTimeout = time.Duration(s.chance(60)) * time.Second
		if n%4 < 2 {
			holds(10 * time.Second)(o)
		}
		if n%5 > 1 {
			var w *batches
			inBatches(int(n%5), &w)(o)
		}
	}
	within(t, change, func(t *testing.T, b *bench) {
		total := 20 + s.chance(60)
		groups := map[string][]string{}
		for _, id := range ids(total) {
			group := ""
			if s.chance(2) == 0 {
				group = fmt.Sprint("g", s.chance(4))
				groups[group] = append(groups[group], id)
			}
			b.source.Add(receivertest.Put{Body: id, Group: group}, id)
		}
		if n%3 == 1 {
			begin := time.Now().Add(time.Duration(s.chance(60)) * time.Second)
			s.dark = [2]time.Time{begin, begin.Add(2 * leaseTime)}
		}
		b.worker.SetAnswer(s.answer)
		b.source.Fail(s.fault)
		b.start()
		time.Sleep(time.Duration(s.chance(120)) * time.Second)
		b.stop(t)

		// A second process takes over what the first left behind.
		s.calm()
		second := New(b.o)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- second.Run(ctx) }()
		time.Sleep(3 * time.Hour)
		cancel()
		isTrue(t, <-ended == nil, "the second run failed")
		s.judge(t, b, total, groups)
	})
}

// answer is the worker: mostly it accepts, sometimes late, sometimes not at all.
func (s *schedule) answer(ctx context.Context, m *message.Message) message.Outcome {
	work := time.Duration(s.chance(3000)) * time.Millisecond
	if s.chance(20) == 0 || !s.dark[0].IsZero() && s.chance(3) == 0 {
		work = time.Duration(s.chance(100)) * time.Second
	}
	dice := s.chance(20)
	select {
	case <-time.After(work):
	case <-ctx.Done():
		return message.Outcome{Cause: message.Failed, Code: "error"}
	}
	switch dice {
	case 0:
		return failed(work)
	case 1:
		return message.Outcome{Cause: message.Deferred, Delay: work, Status: 429, Code: "4xx"}
	case 2:
		return message.Outcome{Verdict: message.Rejected, Delay: work, Status: 400, Code: "4xx"}
	case 3:
		return message.Outcome{Cause: message.Unreached, Code: "refused"}
	case 4:
		panic("the worker's code is not ours")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[m.ID]++
	s.order[m.Group] = append(s.order[m.Group], m.ID)
	return transmittertest.Accept(ctx, m)
}

// fault fails one call in five where this schedule has faults, and every renewal while it is dark.
func (s *schedule) fault(operation string, _ *message.Message) error {
	if now := time.Now(); operation == "extend" && now.After(s.dark[0]) && now.Before(s.dark[1]) {
		return errors.New("dark")
	}
	if s.chance(5) == 0 && s.faulty() {
		return errors.New("cut")
	}
	return nil
}

func (s *schedule) chance(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

func (s *schedule) faulty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

func (s *schedule) calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = false
}

// judge holds the run to the promise.
func (s *schedule) judge(t *testing.T, b *bench, total int, groups map[string][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
	isTrue(t, len(s.accepted) == total, "%d of %d messages were accepted", len(s.accepted), total)
	delivered := map[string]bool{}
	for _, settled := range b.source.Settlements() {
		if settled.Outcome.Ends() {
			isTrue(t, s.accepted[settled.ID] > 0, "%s was removed without a 2xx", settled.ID)
			delivered[settled.ID] = true
		}
	}
	isTrue(t, len(delivered) == total, "%d of %d messages were removed", len(delivered), total)
	for _, id := range slices.Sorted(maps.Keys(s.accepted)) {
		if n := s.accepted[id]; n > 1 && len(b.of(SettleFailed)) == 0 && len(b.of(Abandoned)) == 0 && s.dark[0].IsZero() {
			t.Errorf("%s was accepted %d times without a fault", id, n)
		}
	}
	for group, want := range groups {
		got := firsts(s.order[group])
		isTrue(t, slices.Equal(got, want), "group %s was accepted in the order %v, want %v", group, got, want)
	}
}

// firsts leaves the first of each id.
func firsts(ids []string) []string {
	var first []string
	for _, id := range ids {
		if !slices.Contains(first, id) {
			first = append(first, id)
		}
	}
	return first
}
