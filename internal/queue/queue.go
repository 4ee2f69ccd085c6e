// Package queue is a durable queue in one file: what it says is stored has been
// written and synced, what it hands out is under a lease, and what was not removed
// comes back, also after the process has died.
//
// The file is a bbolt database. One goroutine, the committer, owns every write to it: it
// gathers what has been asked for while the last transaction was written, writes that in
// one transaction, syncs, and answers. What is to be handed out next is known from memory
// (schedule.go), so that handing out costs the same with one message waiting as with a
// million; bodies stay in the file until they are handed out.
package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// What the methods of a Queue say beside the context's errors.
var (
	// ErrFull means that a quota leaves no room; nothing was stored.
	ErrFull = errors.New("queue full")
	// ErrDiskFull wraps ErrFull and means that the disk leaves no room; nothing was stored.
	ErrDiskFull = fmt.Errorf("disk full: %w", ErrFull)
	// ErrClosed means that the queue was closed.
	ErrClosed = errors.New("queue closed")
	// ErrBroken means that a commit or a read failed. What the file holds is not known
	// any more, and every later call says so; only opening it again helps.
	ErrBroken = errors.New("queue broken")
	// ErrLocked means that another process has the file open.
	ErrLocked = errors.New("another process holds the queue file")
	// ErrKeyReused means that the idempotency key was stored with another body.
	ErrKeyReused = errors.New("idempotency key reused with another body")
	// ErrLeaseLost means that the message is no longer in this hand.
	ErrLeaseLost = errors.New("lease lost")
)

// A Queue is an open queue. Its methods may be called at once.
type Queue struct {
	options Options

	file sync.RWMutex // held for reading while db is read, for writing while it is swapped
	db   *bbolt.DB
	room room

	hurried   atomic.Bool
	receiving sync.Mutex // held by the one who moves the schedule's frontier

	mu       sync.Mutex
	work     sync.Cond // groups or closing has changed
	groups   []*group
	closing  bool
	broken   error
	down     chan struct{} // closed when broken is set
	stuck    bool          // bbolt may hold its locks for ever
	wake     chan struct{} // closed when something may have become due
	seq      uint64        // the last one given out
	schedule schedule
	live     usage
	dead     usage
	aside    int

	compactAt int64 // size below which compaction is not thought of
	stopped   chan struct{}
}

// Open opens the queue in o.Dir, or makes it. It fails with ErrLocked after about a second
// when another process has it open. A file that is damaged is set aside, reported, and
// replaced by an empty one.
func Open(o Options) (*Queue, error) {
	o = o.withDefaults()
	db, f, loaded, err := openFile(o)
	if err != nil {
		return nil, fmt.Errorf("open queue in %s: %w", o.Dir, err)
	}
	q := &Queue{
		options: o, db: db, wake: make(chan struct{}), down: make(chan struct{}), stopped: make(chan struct{}),
		room: room{file: f, reserve: o.reserve}, compactAt: compactFrom,
		seq: loaded.last, schedule: loaded.schedule,
		live: loaded.live, dead: loaded.dead, aside: loaded.aside,
	}
	q.work.L = &q.mu
	for _, seq := range loaded.damaged {
		q.quarantine(&item{seq: seq.seq, size: seq.size, indexed: true}, errValue)
	}
	go q.run()
	return q, nil
}

// Close waits for what was asked for to be committed, and closes the file. What is in
// hand stays in the queue and is due when it is opened again.
func (q *Queue) Close() error {
	q.mu.Lock()
	first := !q.closing
	q.closing = true
	q.work.Signal()
	q.rouse()
	stuck := q.stuck
	q.mu.Unlock()
	if !first {
		return nil
	}
	if stuck {
		return q.room.file.Close() // which lets go of the lock; the rest goes with the process
	}
	<-q.stopped
	return q.closeFile()
}

func (q *Queue) closeFile() (err error) {
	q.file.Lock()
	defer q.file.Unlock()
	defer contain(&err)
	return q.db.Close()
}

// usable reports why the queue takes no more calls, if it does not. The caller holds mu.
func (q *Queue) usable() error {
	switch {
	case q.broken != nil:
		return q.broken
	case q.closing:
		return ErrClosed
	default:
		return nil
	}
}

// rouse wakes whoever waits for a message. The caller holds mu.
func (q *Queue) rouse() {
	close(q.wake)
	q.wake = make(chan struct{})
}

// fail makes the queue broken for good: after an error nobody knows what reached the
// disk, so nobody is told again that anything did. The caller holds mu.
func (q *Queue) fail(cause error) {
	if q.broken != nil {
		return
	}
	q.broken = fmt.Errorf("%w: %w", ErrBroken, cause)
	q.stuck = errors.Is(cause, errPanic)
	close(q.down)
	q.groups = nil
	q.work.Signal()
	q.rouse()
}

// view reads the file. A failure, also one of the memory mapping, breaks the queue.
func (q *Queue) view(read func(b buckets) error) error {
	q.file.RLock()
	defer q.file.RUnlock()
	err := contained(func() error {
		return q.db.View(func(tx *bbolt.Tx) error { return read(bucketsOf(tx)) })
	})
	if err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		if !q.closing {
			q.fail(err)
		}
		return q.usable()
	}
	return nil
}

// wait returns once g is committed, with what became of it.
func (q *Queue) wait(ctx context.Context, g *group) error {
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err()
	case <-q.down: // the committer may hang
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.broken
	}
}
