// Package queue is a durable queue in one file: what it says is stored has been written and
// synced, what it hands out is under a lease, and what was not removed comes back, also after the
// process has died.
//
// The file is a bbolt database, and one goroutine owns every write to it (package commit). What is
// to be handed out next is known from memory (package schedule), so that handing out costs the same
// with one message waiting as with a million; bodies stay in the file until they are handed out.
//
// A message is stored once, for all subscriptions that get it. Each subscription has a bit, its
// slot, in the message's mask, and a schedule, leases, counts and dead letters of its own; the
// message goes when the last one has ended it.
//
// Package record is the format of the file, store changes it, slots says which subscription has
// which bit, and filecheck reads the file page by page before bbolt does.
package queue

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/commit"
	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// What the methods of a Queue say beside the context's errors.
var (
	// ErrFull means that a quota leaves no room; nothing was stored.
	ErrFull = errors.New("queue full")
	// ErrDiskFull wraps ErrFull and means that the disk leaves no room; nothing was stored.
	ErrDiskFull = fmt.Errorf("disk full: %w", ErrFull)
	// ErrOffline means that all subscriptions the message is for are offline; nothing was stored.
	ErrOffline = errors.New("its subscribers are offline")
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
	file    *queuefile.DB
	lock    *queuefile.Lock
	// subscriptions are those that are configured, in the order of the options.
	subscriptions []*Subscription
	// accepting has the bits of those that new messages are stored for. It is written with mu held.
	accepting atomic.Uint64
	noWait    atomic.Bool

	mu    sync.Mutex
	stuck bool   // bbolt may hold its locks for ever
	seq   uint64 // the last one given out
	// bySlot are all that messages are kept for, configured or removed; table is what the file says of
	// them and of those that are being dropped.
	bySlot [record.MaxSubscriptions]*Subscription
	table  []record.Subscription
	live   record.Usage
	dead   record.Usage
	// removedDropped counts messages that were dropped since their subscription is not configured.
	removedDropped uint64
	// setAside counts damaged messages; aside has those found since the
	// start, each with the slots of those who waited for it.
	setAside int
	aside    map[uint64]uint64
	reported time.Time // when something was last reported that may repeat
	// counts and nextExpiry are what the last commit left; the committer alone writes them.
	counts     record.Counts
	nextExpiry int64

	commits  *commit.Committer[*transaction, *Queue]
	watching sync.WaitGroup
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
		options: o, lock: f.Lock,
		seq: f.Last, live: f.Live, dead: f.Dead, setAside: int(f.Counts[record.Quarantined]),
		aside: make(map[uint64]uint64), nextExpiry: f.NextExpiry,
	}
	if err := q.assign(&f); err != nil {
		return nil, errors.Join(fmt.Errorf("open queue in %s: %w", o.Dir, err), f.DB.Close(), f.Lock.Close())
	}
	q.counts = f.Counts
	q.file = queuefile.NewDB(o.Dir, f, o.reserve)
	q.commits = newCommitter(q)
	q.startUp(&f)
	go q.commits.Run()
	q.watching.Go(q.watch)
	return q, nil
}

// startUp queues what the file is to be rid of.
func (q *Queue) startUp(f *queuefile.Opened) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range f.Damaged {
		q.quarantine(nil, schedule.Damaged(d.Seq, d.Indexed), record.ErrDamaged)
	}
	dropping := false
	for _, s := range q.table {
		if s.State == record.Dropping {
			dropping = true
			q.enqueue(&sweepOp{sweep: store.NewSweep(s.Slot), entry: s}, 0)
		}
	}
	if f.Unwanted > 0 && !dropping {
		q.enqueue(&sweepOp{sweep: store.NewSweep(noSlot)}, 0)
	}
}

// Subscription returns number i of those that are configured, or that the file names where none is.
func (q *Queue) Subscription(i int) *Subscription { return q.subscriptions[i] }

// Close waits for what was asked for to be committed, and closes the file. What is in flight stays
// in the queue and is due when it is opened again.
func (q *Queue) Close() error {
	q.mu.Lock()
	first := q.commits.Close()
	q.wakeAll()
	stuck := q.stuck
	q.mu.Unlock()
	if !first {
		return nil
	}
	if stuck {
		// bbolt may never let go of its own locks; what is left goes with the process.
		q.watching.Wait()
		return errors.Join(q.file.Abandon(), q.lock.Close())
	}
	<-q.commits.Stopped()
	q.watching.Wait()
	return q.closeFile()
}

func (q *Queue) closeFile() error {
	err := q.file.Close()
	if err == nil && q.commits.Broken() == nil {
		err = q.lock.Say("")
	}
	return errors.Join(err, q.lock.Close())
}

// wakeAll wakes whoever waits for a message. The caller holds mu.
func (q *Queue) wakeAll() {
	for _, s := range q.subscriptions {
		s.wakeUp()
	}
}

// failed is called when the queue is broken for good, and returns what callers are told. The caller
// holds mu.
func (q *Queue) failed(cause error) error {
	broken := fmt.Errorf("%w: %w", ErrBroken, cause)
	if q.stuck = queuefile.IsPanic(cause); q.stuck {
		_ = q.lock.Say(queuefile.StateDamaged + strings.ReplaceAll(cause.Error(), "\n", " "))
	}
	go q.options.OnBroken(broken)
	q.wakeAll()
	return broken
}

// view reads the file. A failure, also one of the memory mapping, breaks the queue.
func (q *Queue) view(read func(b store.Buckets) error) error {
	err := q.file.View(func(tx *bbolt.Tx) error { return read(store.Of(tx)) })
	if err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		if !q.commits.Closing() {
			q.commits.Fail(err)
		}
		return q.usable()
	}
	return nil
}
