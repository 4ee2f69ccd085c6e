// Package batch gathers what many callers ask of a source into few calls.
package batch

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/internal/gopool"
)

// ErrClosed is what an entry gets that came after Close.
var ErrClosed = errors.New("receiver is closed")

// An Entry is one thing to do at a source.
type Entry struct {
	// ID is what the source calls the message: a receipt handle, an ack id.
	ID string
	// Seconds is the lease asked for; nothing to a removal.
	Seconds int32

	done chan error
}

// Options is what a Batcher is made of.
type Options struct {
	// Most is the most entries in one call.
	Most int
	// Calls is the most calls open at once.
	Calls int
	// Linger is how long the first entry of a batch waits for others.
	Linger time.Duration
	// Send makes one call and returns one error for each entry. It has a time limit of
	// its own: its context never ends.
	Send func(context.Context, []*Entry) []error
}

// A Batcher sends entries together: at once when there are enough for a call, else a few
// milliseconds after the first, and later while too many calls are open. Entries leave in
// the order they came in, but calls overtake each other: who needs an order waits for
// one result before asking for the next. Its methods may be called at once.
type Batcher struct {
	o     Options
	crew  *gopool.Pool // makes the calls, whose stacks are deep
	spare sync.Pool    // of *Entry
	calls sync.WaitGroup

	mu       sync.Mutex
	waiting  []*Entry
	began    time.Time // when the first of them came
	due      bool      // they leave as soon as a call may be made
	timer    *time.Timer
	inFlight int
	closed   bool
}

// New makes a Batcher. It ends with Close.
func New(o Options) *Batcher {
	b := &Batcher{o: o, crew: gopool.New()}
	b.spare.New = func() any { return &Entry{done: make(chan error, 1)} }
	b.timer = time.AfterFunc(o.Linger, b.ripen)
	return b
}

// Submit adds an entry and waits for its result. When ctx ends first it returns
// ctx's error, and the entry may be carried out all the same: its call is shared with
// others and is not cut.
func (b *Batcher) Submit(ctx context.Context, id string, seconds int32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e := b.spare.Get().(*Entry)
	e.ID, e.Seconds = id, seconds
	if !b.add(e) { //nolint:contextcheck // a call serves many callers and is none of one's
		return ErrClosed
	}
	select {
	case err := <-e.done:
		e.ID = ""
		b.spare.Put(e)
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close sends what was submitted and waits for the answers. It may be called again.
func (b *Batcher) Close() {
	b.mu.Lock()
	b.closed = true
	b.timer.Stop()
	b.leave()
	b.mu.Unlock()
	b.calls.Wait()
	b.crew.Close()
}

// add reports whether e will be sent.
func (b *Batcher) add(e *Entry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.waiting = append(b.waiting, e)
	if len(b.waiting) == 1 {
		b.began = time.Now()
		b.timer.Reset(b.o.Linger)
	}
	b.leave()
	return true
}

// ripen sends what has waited long enough. The timer may have been set for a batch
// that is gone.
func (b *Batcher) ripen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.began) >= b.o.Linger {
		b.due = len(b.waiting) > 0
		b.leave()
	}
}

// leave starts the calls that may be made. b.mu is held.
func (b *Batcher) leave() {
	for b.inFlight < b.o.Calls && (len(b.waiting) >= b.o.Most || len(b.waiting) > 0 && (b.due || b.closed)) {
		batch := b.waiting
		b.waiting = make([]*Entry, 0, b.o.Most)
		if len(batch) > b.o.Most {
			b.waiting = append(b.waiting, batch[b.o.Most:]...)
			batch = batch[:b.o.Most]
		}
		b.due = len(b.waiting) > 0 // what is left has waited for a call and not for company
		b.inFlight++
		b.calls.Add(1)
		b.crew.Go(func() { b.flush(batch) })
	}
}

func (b *Batcher) flush(batch []*Entry) {
	defer b.calls.Done()
	// No caller's context: the call serves them all, and has its own time limit.
	for i, err := range b.o.Send(context.Background(), batch) {
		batch[i].done <- err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	b.leave()
}
