package sqs

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/internal/crew"
)

// How long the first entry of a batch waits for others. On a standard queue nobody
// waits for a settlement, and each entry that comes along saves a call: about as long
// as one call takes. On a FIFO queue the next of the group waits for it.
const (
	linger     = 8 * time.Millisecond
	fifoLinger = time.Millisecond
)

// maxInFlight is the most calls one batcher has open at once.
const maxInFlight = 8

// errClosed is what an entry gets that came after Close.
var errClosed = errors.New("receiver is closed")

// A request is one entry of a batch.
type request struct {
	handle  string
	seconds int32 // the visibility timeout asked for; nothing to a deletion
	done    chan error
}

// A batcher sends entries ten at a time: at once when there are ten, else a few
// milliseconds after the first, and later while too many calls are open. Entries
// leave in the order they came in, but calls overtake each other: who needs an order
// waits for one result before asking for the next.
type batcher struct {
	send   func(context.Context, []*request) []error
	linger time.Duration
	crew   *crew.Crew // makes the calls, whose stacks are deep
	spare  sync.Pool  // of *request
	calls  sync.WaitGroup

	mu       sync.Mutex
	waiting  []*request
	began    time.Time // when the first of them came
	due      bool      // they leave as soon as a call may be made
	timer    *time.Timer
	inFlight int
	closed   bool
}

// newBatcher makes a batcher; send returns one error for each entry.
func newBatcher(linger time.Duration, send func(context.Context, []*request) []error) *batcher {
	b := &batcher{send: send, linger: linger, crew: crew.New()}
	b.spare.New = func() any { return &request{done: make(chan error, 1)} }
	b.timer = time.AfterFunc(b.linger, b.ripen)
	return b
}

// submit adds an entry and waits for its result. When ctx ends first it returns
// ctx's error, and the entry may be carried out all the same: its call is shared with
// others and is not cut.
func (b *batcher) submit(ctx context.Context, handle string, seconds int32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := b.spare.Get().(*request)
	r.handle, r.seconds = handle, seconds
	if !b.add(r) { //nolint:contextcheck // a call serves many callers and is none of one's
		return errClosed
	}
	select {
	case err := <-r.done:
		r.handle = ""
		b.spare.Put(r)
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close sends what was submitted and waits for the answers. It may be called again.
func (b *batcher) close() {
	b.mu.Lock()
	b.closed = true
	b.timer.Stop()
	b.leave()
	b.mu.Unlock()
	b.calls.Wait()
	b.crew.Close()
}

// add reports whether r will be sent.
func (b *batcher) add(r *request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.waiting = append(b.waiting, r)
	if len(b.waiting) == 1 {
		b.began = time.Now()
		b.timer.Reset(b.linger)
	}
	b.leave()
	return true
}

// ripen sends what has waited long enough. The timer may have been set for a batch
// that is gone.
func (b *batcher) ripen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.began) >= b.linger {
		b.due = len(b.waiting) > 0
		b.leave()
	}
}

// leave starts the calls that may be made. b.mu is held.
func (b *batcher) leave() {
	for b.inFlight < maxInFlight && (len(b.waiting) >= maxBatch || len(b.waiting) > 0 && (b.due || b.closed)) {
		batch := b.waiting
		b.waiting = make([]*request, 0, maxBatch)
		if len(batch) > maxBatch {
			b.waiting = append(b.waiting, batch[maxBatch:]...)
			batch = batch[:maxBatch]
		}
		b.due = len(b.waiting) > 0 // what is left has waited for a call and not for company
		b.inFlight++
		b.calls.Add(1)
		b.crew.Go(func() { b.flush(batch) })
	}
}

func (b *batcher) flush(batch []*request) {
	defer b.calls.Done()
	// No caller's context: the call serves them all, and has its own time limit.
	for i, err := range b.send(context.Background(), batch) {
		batch[i].done <- err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	b.leave()
}
