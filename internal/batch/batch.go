// Package batch gathers what many callers ask of a source into few calls.
package batch

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/internal/contain"
	"carrier/internal/gopool"
)

var (
	// ErrClosed is the result of an entry that was submitted after Close.
	ErrClosed = errors.New("receiver is closed")

	// errNoResult is the result of an entry for which Send returned none.
	errNoResult = errors.New("the call returned no result for the entry")
)

// An Entry is one removal, one change of a lease, or one message to store, at a source.
type Entry struct {
	// ID is what the source calls the message: a receipt handle, an ack id.
	ID string
	// Seconds is the lease asked for; a removal does not look at it.
	Seconds int32
	// Value is what SubmitValue was called with; else nil.
	Value any

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
	// Send makes one call and returns one error for each entry, in order. It has a time limit of
	// its own: its context never ends. A panic in it is the error of each entry, a *contain.Panic.
	Send func(context.Context, []*Entry) []error
}

// A Batcher sends entries together: at once when there are enough for a call, else Linger after
// the first, and later while Calls calls are open. Entries are sent in the order of Submit, but
// calls overtake each other: a caller that needs an order waits for one result before it submits
// the next entry. A Batcher is safe for concurrent use.
type Batcher struct {
	o     Options
	pool  *gopool.Pool // makes the calls, whose stacks are deep
	spare sync.Pool    // of *Entry
	calls sync.WaitGroup

	mu       sync.Mutex
	waiting  []*Entry
	began    time.Time // when the first of them came
	due      bool      // they are sent as soon as a call may be made
	timer    *time.Timer
	inFlight int
	closed   bool
}

// New makes a Batcher. It ends with Close.
func New(o Options) *Batcher {
	b := &Batcher{o: o, pool: gopool.New()}
	b.spare.New = func() any { return &Entry{done: make(chan error, 1)} }
	b.timer = time.AfterFunc(o.Linger, b.sendDue)
	return b
}

// Submit adds an entry and waits for its result. When ctx ends first it returns ctx's error, and
// the entry may be carried out all the same: its call is shared with others and is not cut.
func (b *Batcher) Submit(ctx context.Context, id string, seconds int32) error {
	return b.submit(ctx, id, seconds, nil)
}

// SubmitValue is Submit for an entry that has a Value alone.
func (b *Batcher) SubmitValue(ctx context.Context, value any) error {
	return b.submit(ctx, "", 0, value)
}

func (b *Batcher) submit(ctx context.Context, id string, seconds int32, value any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e := b.spare.Get().(*Entry)
	e.ID, e.Seconds, e.Value = id, seconds, value
	if !b.add(e) { //nolint:contextcheck // a call serves many callers and is none of one's
		return ErrClosed
	}
	select {
	case err := <-e.done:
		e.ID, e.Value = "", nil
		b.spare.Put(e)
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close sends what was submitted and waits for the results. It may be called more than once.
func (b *Batcher) Close() {
	b.mu.Lock()
	b.closed = true
	b.timer.Stop()
	b.start()
	b.mu.Unlock()
	b.calls.Wait()
	b.pool.Close()
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
	b.start()
	return true
}

// sendDue sends what has waited for Linger. The timer may have been set for a batch that was sent
// since.
func (b *Batcher) sendDue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Since(b.began) >= b.o.Linger {
		b.due = len(b.waiting) > 0
		b.start()
	}
}

// start starts the calls that may be made. b.mu is held.
func (b *Batcher) start() {
	for b.inFlight < b.o.Calls && (len(b.waiting) >= b.o.Most || len(b.waiting) > 0 && (b.due || b.closed)) {
		batch := b.waiting
		b.waiting = make([]*Entry, 0, b.o.Most)
		if len(batch) > b.o.Most {
			b.waiting = append(b.waiting, batch[b.o.Most:]...)
			batch = batch[:b.o.Most]
		}
		b.due = len(b.waiting) > 0 // the rest has waited long enough
		b.inFlight++
		b.calls.Add(1)
		b.pool.Go(func() { b.flush(batch) })
	}
}

// flush makes one call and hands each entry its result.
func (b *Batcher) flush(batch []*Entry) {
	defer b.calls.Done()
	for i, err := range b.call(batch) {
		batch[i].done <- err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	b.start()
}

// call returns exactly one error for each entry, whatever Send does: an entry without a result
// would keep its caller waiting and its message unsettled.
func (b *Batcher) call(batch []*Entry) []error {
	var errs []error
	err := contain.Call(func() error {
		// No caller's context: the call serves them all, and has its own time limit.
		errs = b.o.Send(context.Background(), batch)
		return nil
	})
	if err == nil {
		err = errNoResult
	}
	for len(errs) < len(batch) {
		errs = append(errs, err)
	}
	return errs[:len(batch)]
}
