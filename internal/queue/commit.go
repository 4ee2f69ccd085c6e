package queue

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"
)

// An op is one change to the file, written in a transaction with others.
type op interface {
	// write makes the change. An error of its own breaks the queue, so it says with
	// fields of its own what else it found.
	write(t *transaction) error
	// apply is called after the commit, with mu held.
	apply(q *Queue)
	// idle says, with mu held, that the change is of no use any more.
	idle() bool
}

// A transaction is what an op sees while it writes.
type transaction struct {
	buckets
	now    time.Time
	window time.Duration
	report func(event string, err error)
	keyed  int // idempotency keys looked up
}

// A group is what is committed together. Its waiters read err, and the fields of their
// ops, after done is closed.
type group struct {
	ops   []op
	bytes int
	done  chan struct{}
	err   error
}

// A group takes no more once it has so many ops or bytes: a commit's memory and time are
// bounded by it.
const (
	groupOps   = 4096
	groupBytes = 16 << 20
)

func (g *group) finish(err error) {
	g.err = err
	close(g.done)
}

// enqueue adds o to the group that is gathering. The caller holds mu, and has asked usable.
func (q *Queue) enqueue(o op, bytes int) *group {
	if n := len(q.groups); n == 0 || len(q.groups[n-1].ops) >= groupOps || q.groups[n-1].bytes+bytes > groupBytes {
		q.groups = append(q.groups, &group{done: make(chan struct{})})
	}
	g := q.groups[len(q.groups)-1]
	g.ops = append(g.ops, o)
	g.bytes += bytes
	q.work.Signal()
	return g
}

// run is the committer. There is no waiting for more to come: the next group is what
// gathered while the last one was written.
func (q *Queue) run() {
	defer close(q.stopped)
	for {
		g := q.next()
		if g == nil {
			return
		}
		err := contained(func() error { return q.commit(g) })
		q.conclude(g, err)
		if err == nil {
			q.compactIfEmptied()
		}
	}
}

// next waits for a group and takes it; nil when the queue is closed or broken.
func (q *Queue) next() *group {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.groups) == 0 && !q.closing && q.broken == nil {
		q.work.Wait()
	}
	if len(q.groups) == 0 {
		return nil
	}
	g := q.groups[0]
	q.groups[0] = nil
	q.groups = q.groups[1:]
	kept := g.ops[:0]
	for _, o := range g.ops {
		if !o.idle() {
			kept = append(kept, o)
		}
	}
	g.ops = kept
	return g
}

func (q *Queue) conclude(g *group, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken == nil && err != nil {
		q.fail(err)
	}
	if q.broken != nil {
		g.finish(q.broken)
		return
	}
	for _, o := range g.ops {
		o.apply(q)
	}
	g.finish(nil)
	q.rouse()
}

// commit writes g in one transaction and syncs it. Puts that the disk has no room for are
// refused one by one before that; after it every error is one nobody can judge.
func (q *Queue) commit(g *group) (err error) {
	if len(g.ops) == 0 {
		return nil
	}
	tx, err := q.db.Begin(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rollBack(tx)) }()
	if !q.admitToDisk(g, tx) {
		return nil
	}
	t := &transaction{
		buckets: bucketsOf(tx), now: time.Now(), window: q.options.KeyWindow, report: q.options.Report,
	}
	t.appendOnly()
	for _, o := range g.ops {
		if err := o.write(t); err != nil {
			return err
		}
	}
	if err := t.forgetKeys(); err != nil {
		return err
	}
	return q.options.commit(tx)
}

// rollBack ends tx if it was not committed. bbolt holds its lock until then.
func rollBack(tx *bbolt.Tx) error {
	err := contained(tx.Rollback)
	if errors.Is(err, bberrors.ErrTxClosed) {
		return nil
	}
	return err
}
