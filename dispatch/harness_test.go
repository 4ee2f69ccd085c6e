package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/message"
	"carrier/receiver/receivertest"
	"carrier/transmitter/transmittertest"
)

const leaseTime = 30 * time.Second

// A bench is a dispatcher between a source and a worker in memory, in a bubble.
type bench struct {
	*Dispatcher
	source *receivertest.Memory
	worker *transmittertest.Memory

	mu     sync.Mutex
	events []Event
	cancel context.CancelFunc
	ended  chan error
}

// within runs f with a bench in a bubble where time costs nothing. What change leaves alone is: one
// slot, ten a receive, nothing ahead, a drain of 20 s.
func within(t *testing.T, change func(*Options), f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{
			source: receivertest.NewMemory(leaseTime),
			worker: transmittertest.NewMemory(nil),
			ended:  make(chan error, 1),
		}
		o := Options{
			Receiver: b.source, Transmitter: b.worker,
			Concurrency: 1, Batch: 10, DrainTimeout: 20 * time.Second,
			Observe: b.observe,
		}
		if change != nil {
			change(&o)
		}
		b.Dispatcher = New(o)
		f(t, b)
	})
}

// start runs the dispatcher until stop is called.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() { b.ended <- b.Run(ctx) }()
	synctest.Wait()
}

// stop begins the drain and waits for its end.
func (b *bench) stop(t *testing.T) {
	t.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if n := b.InFlight(); n != 0 {
		t.Errorf("%d messages in flight after the drain", n)
	}
	if overlaps := b.worker.Overlaps(); len(overlaps) > 0 {
		t.Errorf("posted while they were with the worker: %v", overlaps)
	}
}

func (b *bench) observe(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

// of lists the events of one kind.
func (b *bench) of(k Kind) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []Event
	for _, e := range b.events {
		if e.Kind == k {
			found = append(found, e)
		}
	}
	return found
}

// ends tells how each message ended: "id label", or "id lost", in order.
func (b *bench) ends() []string {
	var ends []string
	for _, e := range b.of(Settled) {
		label := e.Outcome.Label()
		if e.Lost() {
			label = "lost"
		}
		ends = append(ends, e.Message.ID+" "+label)
	}
	return ends
}

func (b *bench) putGroup(group string, ids ...string) {
	for _, id := range ids {
		b.source.Add(receivertest.Put{Body: id, Group: group}, id)
	}
}

// takes returns a worker that needs d for each message.
func takes(d time.Duration) transmittertest.Answer {
	return func(ctx context.Context, m *message.Message) message.Outcome {
		select {
		case <-time.After(d):
			return transmittertest.Accept(ctx, m)
		case <-ctx.Done():
			return message.Outcome{Cause: message.Failed, Code: "error"}
		}
	}
}

// answers returns a worker that gives each id its outcomes in turn, and accepts what is not named
// or used up.
func answers(script map[string][]message.Outcome) transmittertest.Answer {
	var mu sync.Mutex
	return func(ctx context.Context, m *message.Message) message.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if left := script[m.ID]; len(left) > 0 {
			script[m.ID] = left[1:]
			return left[0]
		}
		return transmittertest.Accept(ctx, m)
	}
}

func failed(delay time.Duration) message.Outcome {
	return message.Outcome{Cause: message.Failed, Delay: delay, Status: 500, Code: "5xx"}
}

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %q, want %q", what, got, want)
	}
}

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("m%03d", i)
	}
	return all
}

func isTrue(t *testing.T, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Errorf(format, args...)
	}
}
