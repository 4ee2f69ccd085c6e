// Package transmittertest holds what every transmitter promises, as a suite of tests, and a worker
// in memory that keeps those promises.
package transmittertest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"carrier/message"
	"carrier/transmitter"
)

// An Answer is the worker's word on one message. It may wait; when ctx ends it returns promptly,
// with a Retry.
type Answer func(ctx context.Context, m *message.Message) message.Outcome

// Accept is the Answer of a worker that takes everything at once.
func Accept(context.Context, *message.Message) message.Outcome {
	return message.Outcome{Verdict: message.Delivered, Status: 200, Code: "2xx"}
}

// Memory is a Transmitter whose worker is a function in this process. It keeps a record of what it
// was handed. All methods are safe for concurrent use, also inside a synctest bubble that the
// Memory was made in.
type Memory struct {
	mu       sync.Mutex
	answer   Answer
	limit    int
	changed  chan struct{} // closed and replaced when limit changes
	handed   []*message.Message
	held     map[string]int
	inFlight int
	most     int
	overlaps []string
}

// NewMemory returns a Memory that is ready for any number of messages and answers them as answer
// says; nil means Accept.
func NewMemory(answer Answer) *Memory {
	if answer == nil {
		answer = Accept
	}
	return &Memory{
		answer:  answer,
		limit:   transmitter.Unlimited,
		changed: make(chan struct{}),
		held:    make(map[string]int),
	}
}

// Ready waits until the limit is above promised, and returns it.
func (w *Memory) Ready(ctx context.Context, promised int) (int, error) {
	for {
		limit, changed := w.current()
		if limit > promised {
			return limit, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-changed:
		}
	}
}

// Transmit records m and returns the worker's answer. When ctx has already ended, nothing is handed
// over.
func (w *Memory) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	if ctx.Err() != nil {
		return message.Outcome{}
	}
	answer := w.take(m)
	defer w.leave(m)
	return answer(ctx, m)
}

// SetAnswer changes the answer to messages handed over from now on.
func (w *Memory) SetAnswer(answer Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

// SetLimit changes what Ready says; zero makes it wait.
func (w *Memory) SetLimit(limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit = limit
	close(w.changed)
	w.changed = make(chan struct{})
}

// SetReady makes Ready return Unlimited, or wait.
func (w *Memory) SetReady(ready bool) {
	if ready {
		w.SetLimit(transmitter.Unlimited)
		return
	}
	w.SetLimit(0)
}

// Handed returns the ids of all messages handed over, in order, one for each time.
func (w *Memory) Handed() []string {
	messages := w.Messages()
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.ID
	}
	return ids
}

// Messages returns all messages handed over, in order, one for each time.
func (w *Memory) Messages() []*message.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.handed)
}

// Held returns the sorted ids of the messages the worker has not answered yet.
func (w *Memory) Held() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.held))
}

// InFlight returns how many messages the worker has not answered yet, and the most it ever had at
// once.
func (w *Memory) InFlight() (now, most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inFlight, w.most
}

// Overlaps returns the ids that were handed over while the worker still had them.
func (w *Memory) Overlaps() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.overlaps)
}

func (w *Memory) current() (int, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limit, w.changed
}

func (w *Memory) take(m *message.Message) Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[m.ID] > 0 {
		w.overlaps = append(w.overlaps, m.ID)
	}
	w.held[m.ID]++
	w.handed = append(w.handed, m)
	w.inFlight++
	w.most = max(w.most, w.inFlight)
	return w.answer
}

func (w *Memory) leave(m *message.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight--
	w.held[m.ID]--
	if w.held[m.ID] == 0 {
		delete(w.held, m.ID)
	}
}
