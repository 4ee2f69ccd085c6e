package dispatch

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carrier/internal/contain"
	"carrier/message"
	"carrier/transmitter/transmittertest"
)

// batches is a worker that takes several messages in one request, and answers each by itself.
type batches struct {
	*transmittertest.Memory
	mu   sync.Mutex
	made []string // the ids of each request
}

func (w *batches) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	w.note(m.ID)
	return w.Memory.Transmit(ctx, m)
}

// requests are the ids of each request, so far.
func (w *batches) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.made)
}

func (w *batches) note(ids ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made = append(w.made, strings.Join(ids, " "))
}

// TransmitBatch answers a group's messages in turn, up to the first that fails, as a function should;
// the others all at once.
func (w *batches) TransmitBatch(ctx context.Context, batch []*message.Message) []message.Outcome {
	ids := make([]string, len(batch))
	for i, m := range batch {
		ids[i] = m.ID
	}
	w.note(ids...)
	outcomes := make([]message.Outcome, len(batch))
	var all sync.WaitGroup
	for i, m := range batch {
		outcomes[i] = message.Outcome{Cause: message.Failed, Status: 200, Code: "2xx", Along: i > 0}
		if m.Ordered && i > 0 && !outcomes[i-1].Ends() {
			continue
		}
		all.Go(func() {
			_ = contain.Call(func() error {
				outcomes[i] = w.Memory.Transmit(ctx, m)
				return nil
			})
			outcomes[i].Along = i > 0
		})
		if m.Ordered {
			all.Wait()
		}
	}
	all.Wait()
	return outcomes
}

// inBatches has up to n messages handed over in one slot.
func inBatches(n int, w **batches) func(*Options) {
	return func(o *Options) {
		*w = &batches{Memory: o.Transmitter.(*transmittertest.Memory)}
		o.Transmitter, o.PerSlot = *w, n
	}
}

func TestMessagesShareASlot(t *testing.T) {
	var w *batches
	within(t, inBatches(4, &w), func(t *testing.T, b *bench) {
		b.source.Put("1", "2", "3", "4", "5", "6")
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		time.Sleep(time.Minute)
		equal(t, "first request", w.requests()[:1], "1 2 3 4")
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

func TestOneOutcomeOfABatchChangesNoOther(t *testing.T) {
	var w *batches
	within(t, inBatches(3, &w), func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"2": {failed(time.Minute)}}))
		b.source.Put("1", "2", "3")
		b.start()
		time.Sleep(time.Second)
		isTrue(t, b.source.Left() == 1, "%d left, want the one that failed", b.source.Left())
		time.Sleep(2 * time.Minute)
		equal(t, "requests", w.requests(), "1 2 3", "2")
		b.stop(t)
	})
}

func TestTheFirstFailureOfAGroupsBatchReturnsTheRest(t *testing.T) {
	var w *batches
	within(t, inBatches(4, &w), func(t *testing.T, b *bench) {
		b.worker.SetAnswer(answers(map[string][]message.Outcome{"2": {failed(time.Minute)}}))
		b.putGroup("g", "1", "2", "3", "4", "5")
		b.start()
		time.Sleep(time.Second)
		equal(t, "requests", w.requests(), "1 2 3 4")
		equal(t, "ends", b.ends(), "1 delivered", "4 returned", "3 returned", "2 failed")
		time.Sleep(2 * time.Minute)
		equal(t, "order", b.worker.Handed(), "1", "2", "2", "3", "4", "5")
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}

func TestABatchIsOfOneGroup(t *testing.T) {
	var w *batches
	within(t, inBatches(4, &w), func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(time.Second))
		b.putGroup("g", "1", "2")
		b.putGroup("h", "3")
		b.source.Put("4", "5")
		b.start()
		time.Sleep(time.Minute)
		for _, ids := range w.requests() {
			isTrue(t, ids == "1 2" || !strings.ContainsAny(ids, "123") || len(ids) == 1, "%q in one request", ids)
		}
		isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
		b.stop(t)
	})
}
