// Package commit writes changes to the queue's file. One goroutine, the committer, owns every write:
// it gathers what has been asked for while the last transaction was written, writes that in one
// transaction, syncs, and answers.
package commit

import (
	"context"
	"errors"
	"sync"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/queuefile"
)

// An Op is one change to the file, written in a transaction T with others. Q is what it changes in
// memory.
type Op[T Transaction, Q any] interface {
	// Write makes the change. An error of its own breaks the queue, so it says with fields of
	// its own what else it found.
	Write(t T) error
	// Apply is called after the commit, with the lock held.
	Apply(q Q)
	// Idle says, with the lock held, that the change is of no use any more.
	Idle() bool
}

// A Refusable op stores something new, and is refused where the disk has no room for it.
type Refusable interface {
	// Space is how much it takes at most, in bytes.
	Space() int64
	// Refuse is called before Write.
	Refuse()
}

// A Transaction is what an op sees while it writes: what is written by way of it goes into tx.
type Transaction interface {
	Begin(tx *bbolt.Tx)
	// End is called after the last op, before the commit.
	End() error
}

// A Batch is what is committed together. Its waiters read the fields of their ops after Wait.
type Batch[T Transaction, Q any] struct {
	ops   []Op[T, Q]
	bytes int
	done  chan struct{}
	err   error
}

// BatchOps and BatchBytes are the limits of a batch, beyond which a new one is begun: a commit's
// memory and time are bounded by them.
const (
	BatchOps   = 4096
	BatchBytes = 16 << 20
)

func (b *Batch[T, Q]) finish(err error) {
	b.err = err
	close(b.done)
}

// Options says what a committer commits. Begin, Conclude and OnFail are called with Lock held; none
// of them may be nil.
type Options[T Transaction, Q any] struct {
	// Lock guards what ops apply to, and the committer's own state.
	Lock *sync.Mutex
	File *queuefile.DB
	// State is what ops apply to.
	State Q
	// Begin returns the transaction of the next batch; Conclude keeps what a committed one has left.
	Begin    func() T
	Conclude func(T)
	// Between is called after each commit, without Lock.
	Between func()
	// Commit ends a transaction of bbolt and syncs it.
	Commit func(*bbolt.Tx) error
	// OnFail is told once why no commit will be made any more, and returns what is said to callers.
	OnFail func(cause error) error
	// Closed is what callers are told once Close was called.
	Closed error
}

// A Committer commits batches of ops. Its methods need Options.Lock held, save those that say
// otherwise.
type Committer[T Transaction, Q any] struct {
	options Options[T, Q]
	work    sync.Cond // batches or closing has changed
	batches []*Batch[T, Q]
	closing bool
	broken  error
	down    chan struct{} // closed when broken is set
	stopped chan struct{}
}

// New assembles a committer.
func New[T Transaction, Q any](o Options[T, Q]) *Committer[T, Q] {
	c := &Committer[T, Q]{options: o, down: make(chan struct{}), stopped: make(chan struct{})}
	c.work.L = o.Lock
	return c
}

// Down is closed when the committer is broken. It needs no lock.
func (c *Committer[T, Q]) Down() <-chan struct{} { return c.down }

// Stopped is closed when Run has ended. It needs no lock.
func (c *Committer[T, Q]) Stopped() <-chan struct{} { return c.stopped }

// Close makes Run end once what was asked for is committed, and says whether this call was the
// first.
func (c *Committer[T, Q]) Close() (first bool) {
	first = !c.closing
	c.closing = true
	c.work.Signal()
	return first
}

// Closing says whether Close was called.
func (c *Committer[T, Q]) Closing() bool { return c.closing }

// Broken is why no commit is made any more; nil while there are.
func (c *Committer[T, Q]) Broken() error { return c.broken }

// Usable reports why no more calls are taken, if none are.
func (c *Committer[T, Q]) Usable() error {
	switch {
	case c.broken != nil:
		return c.broken
	case c.closing:
		return c.options.Closed
	default:
		return nil
	}
}

// Fail breaks the committer for good: after an error nobody knows what reached the disk, so nobody
// is told again that anything did.
func (c *Committer[T, Q]) Fail(cause error) {
	if c.broken != nil {
		return
	}
	c.broken = c.options.OnFail(cause)
	close(c.down)
	c.batches = nil
	c.work.Signal()
}

// Waiting says whether there is anything to be committed.
func (c *Committer[T, Q]) Waiting() bool { return len(c.batches) > 0 }

// Enqueue adds o to the batch that is gathering. The caller has asked Usable.
func (c *Committer[T, Q]) Enqueue(o Op[T, Q], bytes int) *Batch[T, Q] {
	if n := len(c.batches); n == 0 || len(c.batches[n-1].ops) >= BatchOps || c.batches[n-1].bytes+bytes > BatchBytes {
		c.batches = append(c.batches, &Batch[T, Q]{done: make(chan struct{})})
	}
	b := c.batches[len(c.batches)-1]
	b.ops = append(b.ops, o)
	b.bytes += bytes
	c.work.Signal()
	return b
}

// Wait returns once b is committed, with what became of it. It is called without the lock.
func (c *Committer[T, Q]) Wait(ctx context.Context, b *Batch[T, Q]) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.down: // the committer may hang
		c.options.Lock.Lock()
		defer c.options.Lock.Unlock()
		return c.broken
	}
}

// Run commits until the committer is closed or broken. It is called once, without the lock. There is
// no waiting for more to come: the next batch is what gathered while the last one was written.
func (c *Committer[T, Q]) Run() {
	defer close(c.stopped)
	for {
		b, t := c.next()
		if b == nil {
			return
		}
		err := queuefile.Contained(func() error { return c.commit(b, t) })
		c.conclude(b, t, err)
		if err == nil {
			c.options.Between()
		}
	}
}

// next waits for a batch and takes it; nil when the committer is closed or broken.
func (c *Committer[T, Q]) next() (b *Batch[T, Q], t T) {
	c.options.Lock.Lock()
	defer c.options.Lock.Unlock()
	for len(c.batches) == 0 && !c.closing && c.broken == nil {
		c.work.Wait()
	}
	if len(c.batches) == 0 {
		return nil, t
	}
	b = c.batches[0]
	c.batches[0] = nil
	c.batches = c.batches[1:]
	kept := b.ops[:0]
	for _, o := range b.ops {
		if !o.Idle() {
			kept = append(kept, o)
		}
	}
	b.ops = kept
	return b, c.options.Begin()
}

func (c *Committer[T, Q]) conclude(b *Batch[T, Q], t T, err error) {
	c.options.Lock.Lock()
	defer c.options.Lock.Unlock()
	if c.broken == nil && err != nil {
		c.Fail(err)
	}
	if c.broken != nil {
		b.finish(c.broken)
		return
	}
	c.options.Conclude(t)
	for _, o := range b.ops {
		o.Apply(c.options.State)
	}
	b.finish(nil)
}

// commit writes b in one transaction and syncs it. Ops that the disk has no room for are refused
// one by one before that; after it every error is one nobody can judge.
func (c *Committer[T, Q]) commit(b *Batch[T, Q], t T) (err error) {
	if len(b.ops) == 0 {
		return nil
	}
	tx, err := c.options.File.Begin()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, queuefile.RollBack(tx)) }()
	if !c.admitToDisk(b, tx) {
		return nil
	}
	t.Begin(tx)
	for _, o := range b.ops {
		if err := o.Write(t); err != nil {
			return err
		}
	}
	if err := t.End(); err != nil {
		return err
	}
	if err := c.options.Commit(tx); err != nil {
		return err
	}
	return c.options.File.InPlace() // or nobody will ever see what was just promised
}
