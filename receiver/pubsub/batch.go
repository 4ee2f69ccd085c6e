package pubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/internal/crew"
)

// maxBatch is the most ack ids in one call. With some two hundred bytes each they stay
// below the 512 KiB that a request may have.
const maxBatch = 1000

// linger is how long the first entry of a batch waits for others: less than one
// call takes, and long enough for the rest of a burst.
const linger = 3 * time.Millisecond

// maxInFlight is the most calls one batcher has open at once.
const maxInFlight = 4

// errClosed is what an entry gets that came after Close.
var errClosed = errors.New("receiver is closed")

// A request is one entry of a batch.
type request struct {
	ackID   string
	seconds int32 // the ack deadline asked for; nothing to an acknowledgement
	done    chan error
}

// A batcher sends entries together: at once when there are many, else a few
// milliseconds after the first, and later while too many calls are open. Entries leave in
// the order they came in, but calls overtake each other: who needs an order waits for
// one result before asking for the next.
type batcher struct {
	send     func(context.Context, []*request) []error
	queue    chan *request
	inFlight chan struct{}
	stop     chan struct{}
	closing  sync.Once
	running  sync.WaitGroup
	crew     *crew.Crew // makes the calls, whose stacks are deep
}

// newBatcher starts a batcher; send returns one error for each entry.
func newBatcher(send func(context.Context, []*request) []error) *batcher {
	b := &batcher{
		send:     send,
		queue:    make(chan *request),
		inFlight: make(chan struct{}, maxInFlight),
		stop:     make(chan struct{}),
		crew:     crew.New(),
	}
	b.running.Go(b.run)
	return b
}

// submit adds an entry and waits for its result. When ctx ends first it returns
// ctx's error, and the entry may be carried out all the same: its call is shared with
// others and is not cut.
func (b *batcher) submit(ctx context.Context, ackID string, seconds int32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{ackID: ackID, seconds: seconds, done: make(chan error, 1)}
	select {
	case b.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-b.stop:
		return errClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close sends what was submitted and waits for the answers. It may be called again.
func (b *batcher) close() {
	b.closing.Do(func() { close(b.stop) })
	b.running.Wait()
	b.crew.Close()
}

func (b *batcher) run() {
	for {
		select {
		case first := <-b.queue:
			batch := b.collect(first)
			b.crew.Go(func() { b.flush(batch) })
		case <-b.stop:
			return
		}
	}
}

// collect fills a batch and takes the right to one call. A batch whose time is
// over goes on growing while it waits for that right.
func (b *batcher) collect(first *request) []*request {
	batch := []*request{first}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	var due chan struct{} // b.inFlight once the time is over
	for len(batch) < maxBatch {
		select {
		case next := <-b.queue:
			batch = append(batch, next)
		case <-timer.C:
			due = b.inFlight
		case due <- struct{}{}:
			return batch
		case <-b.stop:
			b.inFlight <- struct{}{}
			return batch
		}
	}
	b.inFlight <- struct{}{}
	return batch
}

func (b *batcher) flush(batch []*request) {
	defer func() { <-b.inFlight }()
	// No caller's context: the call serves them all, and has its own time limit.
	for i, err := range b.send(context.Background(), batch) {
		batch[i].done <- err
	}
}
