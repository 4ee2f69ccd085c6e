package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// A backlog fills the batches, whatever the number of slots, and what is in flight is never more than
// the slots and the messages ahead allow, beside what is being settled.
func TestABacklogFillsTheBatches(t *testing.T) {
	for n := range uint64(60) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := rand.New(rand.NewPCG(n, n))
			slots, size, batch := 1+r.IntN(4), 2+r.IntN(9), 1+r.IntN(10)
			ahead := r.IntN(3) * size
			whole := min(size, batch) // of a batch, where a receive brings less
			messages := whole * slots * (5 + r.IntN(10))
			call, work := time.Duration(r.IntN(30))*time.Millisecond, time.Duration(1+r.IntN(300))*time.Millisecond
			var w *batches
			change := func(o *Options) {
				inBatches(size, &w)(o)
				o.Concurrency, o.Batch, o.Prefetch = slots, batch, ahead
				if n%2 == 0 {
					o.Prefetch, ahead = Auto, 1000
				}
			}
			within(t, change, func(t *testing.T, b *bench) {
				b.worker.SetAnswer(takes(work))
				var over atomic.Int64
				b.source.Fail(func(operation string, _ *message.Message) error {
					if operation == "receive" {
						time.Sleep(call)
					}
					if most := int64(slots*size + ahead); int64(b.demand.Heads()) > most || int64(b.InFlight()) > most+int64(cap(b.settling)) {
						over.Store(int64(b.InFlight()))
					}
					return nil
				})
				b.source.Put(ids(messages)...)
				b.start()
				time.Sleep(5 * time.Minute)
				_, most := b.worker.InFlight()
				requests := len(w.requests())
				isTrue(t, over.Load() == 0, "%d in flight", over.Load())
				isTrue(t, most <= slots*size, "the worker held %d, want at most %d", most, slots*size)
				isTrue(t, requests <= messages/whole+slots, "%d requests for %d messages, want %d", requests, messages, messages/whole)
				isTrue(t, b.source.Left() == 0, "%d left", b.source.Left())
				b.stop(t)
			})
		})
	}
}

func TestFewMessagesDoNotWaitForABatch(t *testing.T) {
	var w *batches
	within(t, func(o *Options) { inBatches(10, &w)(o); o.Concurrency = 2 }, func(t *testing.T, b *bench) {
		b.worker.SetAnswer(takes(time.Second))
		b.start()
		for _, id := range ids(5) { // each comes while the one before is with the worker
			b.source.Put(id)
			synctest.Wait()
			isTrue(t, slices.Contains(b.worker.Handed(), id), "%s is not posted although a slot is free", id)
			time.Sleep(600 * time.Millisecond)
		}
		b.stop(t)
	})
}
