// Package queue is a durable queue in one file: what it says is stored has been written and
// synced, what it hands out is under a lease, and what was not removed comes back, also after the
// process has died.
//
// The file is a bbolt database. One goroutine, the committer, owns every write to it: it gathers
// what has been asked for while the last transaction was written, writes that in one transaction,
// syncs, and answers. What is to be handed out next is known from memory (package schedule), so
// that handing out costs the same with one message waiting as with a million; bodies stay in the
// file until they are handed out. Package record is the format of the file, and package filecheck
// reads it page by page before bbolt does.
package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
)

// What the methods of a Queue say beside the context's errors.
var (
	// ErrFull means that a quota leaves no room; nothing was stored.
	ErrFull = errors.New("queue full")
	// ErrDiskFull wraps ErrFull and means that the disk leaves no room; nothing was stored.
	ErrDiskFull = fmt.Errorf("disk full: %w", ErrFull)
	// ErrKeysFull wraps ErrFull and means that too many idempotency keys are remembered; nothing
	// was stored.
	ErrKeysFull = fmt.Errorf("too many idempotency keys: %w", ErrFull)
	// ErrClosed means that the queue was closed.
	ErrClosed = errors.New("queue closed")
	// ErrBroken means that a commit or a read failed. What the file holds is not known
	// any more, and every later call says so; only opening it again helps.
	ErrBroken = errors.New("queue broken")
	// ErrGone is the cause of ErrBroken where the file was removed or replaced.
	ErrGone = queuefile.ErrGone
	// ErrLocked means that another process has the file open.
	ErrLocked = queuefile.ErrLocked
	// ErrDamagedFile means that a file cannot be read as a queue.
	ErrDamagedFile = queuefile.ErrDamagedFile
	// ErrKeyReused means that the idempotency key was stored with another body.
	ErrKeyReused = errors.New("idempotency key reused with another body")
	// ErrLeaseLost means that the message is no longer under this lease.
	ErrLeaseLost = errors.New("lease lost")
)

// A Queue is an open queue. Its methods are safe for concurrent use.
type Queue struct {
	options Options

	file sync.RWMutex // held for reading while db is read, for writing while it is swapped
	db   *bbolt.DB
	disk queuefile.DiskReserve
	lock *queuefile.Lock

	noWait    atomic.Bool
	receiving sync.Mutex // held by the one who moves the schedule's frontier

	mu       sync.Mutex
	work     sync.Cond // batches or closing has changed
	batches  []*batch
	closing  bool
	broken   error
	down     chan struct{} // closed when broken is set
	stuck    bool          // bbolt may hold its locks for ever
	wake     chan struct{} // closed when something may have become due
	seq      uint64        // the last one given out
	schedule *schedule.Schedule
	live     record.Usage
	dead     record.Usage
	// deadDropped counts dead letters that had to make room, setAside damaged messages.
	deadDropped uint64
	setAside    int
	// unreported counts dead letters that were dropped since the time reported.
	unreported record.Usage
	reported   time.Time
	// counts and nextExpiry are what the last commit left; the committer alone writes them.
	counts     record.Counts
	nextExpiry int64

	compactAt int64 // size below which compaction is not thought of
	stopped   chan struct{}
	watching  sync.WaitGroup
}

// Open opens the queue in o.Dir, or makes it. It fails with ErrLocked after about a second
// when another process has it open. A file that is damaged is kept under another name,
// reported, and replaced by an empty one.
func Open(o Options) (*Queue, error) {
	o = o.withDefaults()
	f, err := queuefile.Open(queuefile.Options{Dir: o.Dir, Report: o.Report, TryFile: o.TryFile, Beginning: o.beginning})
	if err != nil {
		return nil, fmt.Errorf("open queue in %s: %w", o.Dir, err)
	}
	if quarter := queuefile.VolumeSize(o.Dir) / 4; o.MaxDeadBytes > 0 && quarter > 0 {
		o.MaxDeadBytes = min(o.MaxDeadBytes, quarter)
	}
	q := &Queue{
		options: o, db: f.DB, lock: f.Lock,
		disk: queuefile.DiskReserve{Path: filepath.Join(o.Dir, queuefile.Name), File: f.File, Reserve: o.reserve}, compactAt: compactFrom,
		wake: make(chan struct{}), down: make(chan struct{}), stopped: make(chan struct{}),
		seq: f.Last, schedule: f.Schedule, live: f.Live, dead: f.Dead,
		setAside: int(f.Counts[record.Quarantined]), counts: f.Counts, nextExpiry: f.NextExpiry,
	}
	q.work.L = &q.mu
	for _, seq := range f.Damaged {
		q.quarantine(schedule.Damaged(seq), record.ErrDamaged)
	}
	go q.run()
	q.watching.Go(q.watch)
	return q, nil
}

// Close waits for what was asked for to be committed, and closes the file. What is in flight stays
// in the queue and is due when it is opened again.
func (q *Queue) Close() error {
	q.mu.Lock()
	first := !q.closing
	q.closing = true
	q.work.Signal()
	q.wakeAll()
	stuck := q.stuck
	q.mu.Unlock()
	if !first {
		return nil
	}
	if stuck {
		// bbolt may never let go of its own locks; what is left goes with the process.
		q.watching.Wait()
		return errors.Join(queuefile.Unlock(q.disk.File), q.lock.Close())
	}
	<-q.stopped
	q.watching.Wait()
	return q.closeFile()
}

func (q *Queue) closeFile() error {
	q.file.Lock()
	defer q.file.Unlock()
	err := queuefile.Contained(q.db.Close)
	if err == nil && q.broken == nil {
		err = q.lock.Say("")
	}
	return errors.Join(err, q.lock.Close())
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

// wakeAll wakes whoever waits for a message. The caller holds mu.
func (q *Queue) wakeAll() {
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
	if q.stuck = queuefile.IsPanic(cause); q.stuck {
		_ = q.lock.Say(queuefile.StateDamaged + strings.ReplaceAll(cause.Error(), "\n", " "))
	}
	close(q.down)
	go q.options.OnBroken(q.broken)
	q.batches = nil
	q.work.Signal()
	q.wakeAll()
}

// view reads the file. A failure, also one of the memory mapping, breaks the queue.
func (q *Queue) view(read func(b buckets) error) error {
	q.file.RLock()
	defer q.file.RUnlock()
	err := queuefile.Contained(func() error {
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

// wait returns once b is committed, with what became of it.
func (q *Queue) wait(ctx context.Context, b *batch) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	case <-q.down: // the committer may hang
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.broken
	}
}
