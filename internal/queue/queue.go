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
// Package subscription is what each of them does by itself, and this package what concerns all:
// opening, storing, and which subscriptions there are. Package record is the format of the file,
// store changes it, slots says which subscription has which bit, and filecheck reads the file page
// by page before bbolt does.
package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/slots"
	"carrier/internal/queue/store"
	"carrier/internal/queue/subscription"
)

// What the methods of a Queue say beside the context's errors.
var (
	// ErrFull means that a quota leaves no room; nothing was stored.
	ErrFull = subscription.ErrFull
	// ErrDiskFull wraps ErrFull and means that the disk leaves no room; nothing was stored.
	ErrDiskFull = fmt.Errorf("disk full: %w", ErrFull)
	// ErrOffline means that all subscriptions the message is for are offline; nothing was stored.
	ErrOffline = subscription.ErrOffline
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
	ErrLeaseLost = subscription.ErrLeaseLost
)

// A Subscription gets messages of the queue.
type Subscription = subscription.Subscription

// A Delivery is one hand-out of one message.
type Delivery = subscription.Delivery

// A Retry says how a message goes back.
type Retry = subscription.Retry

// A Reason says why a message became a dead letter.
type Reason = subscription.Reason

// Counts are what a subscription has at one moment.
type Counts = subscription.Counts

// DefaultName is what the subscription without a name is called where one is needed.
const DefaultName = subscription.DefaultName

// A Queue is an open queue. Its methods are safe for concurrent use.
type Queue struct {
	options Options
	file    *queuefile.DB
	lock    *queuefile.Lock
	// set are its subscriptions. The set's Mu guards what follows too.
	set *subscription.Set

	stuck bool   // bbolt may hold its locks for ever
	seq   uint64 // the last one given out
	// table is what the file says of the subscriptions, those included that are being dropped.
	table []record.Subscription
	// removedDropped counts messages that were dropped since their subscription is not configured.
	removedDropped uint64

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
	q := &Queue{options: o, lock: f.Lock, seq: f.Last}
	if err := q.assign(&f); err != nil {
		return nil, errors.Join(fmt.Errorf("open queue in %s: %w", o.Dir, err), f.DB.Close(), f.Lock.Close())
	}
	q.startUp(&f)
	go q.set.Run()
	q.watching.Go(q.watch)
	return q, nil
}

// assign finds the subscriptions of the options in the file f, writes down what has changed, and
// assembles them.
func (q *Queue) assign(f *queuefile.Opened) error {
	table, wanted, assigned, err := q.wanted(f)
	if err != nil {
		return err
	}
	if err := queuefile.Prepare(f, table, slices.Equal(table, f.Table)); err != nil {
		return err
	}
	q.table = table
	q.file = queuefile.NewDB(q.options.Dir, *f, q.options.reserve)
	q.set = subscription.NewSet(subscription.SetOptions{
		Limits: q.options.limits(), File: q.file, Found: f, Commit: q.options.commit,
		Closed: ErrClosed, OnFail: q.failed, Report: q.options.Report,
	})
	for _, s := range table {
		if s.State == record.Removed {
			q.set.Add(s.Slot, q.options.complete(SubscriptionOptions{Name: s.Name, Pattern: s.Pattern}), false)
		}
	}
	for i, slot := range assigned {
		q.set.Add(slot, q.options.complete(wanted[i]), true)
	}
	return nil
}

// wanted returns the table that the file f is to have, the subscriptions that are configured, and
// the slot of each of them.
func (q *Queue) wanted(f *queuefile.Opened) (table []record.Subscription, wanted []SubscriptionOptions, assigned []int, err error) {
	if wanted = q.options.Subscriptions; wanted == nil {
		for _, s := range f.Table {
			if s.State == record.Active {
				wanted = append(wanted, SubscriptionOptions{Name: s.Name, Pattern: s.Pattern})
				assigned = append(assigned, s.Slot)
			}
		}
		return f.Table, wanted, assigned, nil
	}
	names := make([]slots.Wanted, len(wanted))
	for i, w := range wanted {
		names[i] = slots.Wanted{Name: w.Name, Pattern: w.Pattern}
	}
	table, assigned, err = slots.Assign(f.Table, f.UsedSlots, names, time.Now().UnixNano())
	return table, wanted, assigned, err
}

// startUp queues what the file is to be rid of.
func (q *Queue) startUp(f *queuefile.Opened) {
	q.set.Mu.Lock()
	defer q.set.Mu.Unlock()
	for _, d := range f.Damaged {
		q.set.QuarantineFound(d.Seq, d.Indexed)
	}
	dropping := false
	for _, s := range q.table {
		if s.State == record.Dropping {
			dropping = true
			q.set.Enqueue(&sweepOp{queue: q, sweep: store.NewSweep(s.Slot), entry: s}, 0)
		}
	}
	if f.Unwanted > 0 && !dropping {
		q.set.Enqueue(&sweepOp{queue: q, sweep: store.NewSweep(noSlot)}, 0)
	}
}

// Subscription returns number i of those that are configured, or that the file names where none is.
func (q *Queue) Subscription(i int) *Subscription { return q.set.Configured()[i] }

// StopWaiting makes Receive, also one under way, return at once what there is, from now on.
func (q *Queue) StopWaiting() { q.set.StopWaiting() }

// Usage is what counts toward MaxMessages and MaxBytes, each message once, with what is being stored
// at this moment. It does not read the file.
func (q *Queue) Usage() (messages int, bytes int64) { return q.set.Usage() }

// Close waits for what was asked for to be committed, and closes the file. What is in flight stays
// in the queue and is due when it is opened again.
func (q *Queue) Close() error {
	q.set.Mu.Lock()
	first := q.set.Close()
	stuck := q.stuck
	q.set.Mu.Unlock()
	if !first {
		return nil
	}
	if stuck {
		// bbolt may never let go of its own locks; what is left goes with the process.
		q.watching.Wait()
		return errors.Join(q.file.Abandon(), q.lock.Close())
	}
	<-q.set.Stopped()
	q.watching.Wait()
	return q.closeFile()
}

func (q *Queue) closeFile() error {
	err := q.file.Close()
	if err == nil && q.set.Broken() == nil {
		err = q.lock.Say("")
	}
	return errors.Join(err, q.lock.Close())
}

// failed is called when the queue is broken for good, and returns what callers are told. The caller
// holds the set's Mu.
func (q *Queue) failed(cause error) error {
	broken := fmt.Errorf("%w: %w", ErrBroken, cause)
	if q.stuck = queuefile.IsPanic(cause); q.stuck {
		_ = q.lock.Say(queuefile.StateDamaged + strings.ReplaceAll(cause.Error(), "\n", " "))
	}
	go q.options.OnBroken(broken)
	return broken
}
