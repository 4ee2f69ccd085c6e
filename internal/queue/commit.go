package queue

import (
	"errors"
	"time"

	"carrier/internal/queue/queuefile"

	"go.etcd.io/bbolt"
)

// An op is one change to the file, written in a transaction with others.
type op interface {
	// write makes the change. An error of its own breaks the queue, so it says with fields of
	// its own what else it found.
	write(t *transaction) error
	// apply is called after the commit, with mu held.
	apply(q *Queue)
	// idle says, with mu held, that the change is of no use any more.
	idle() bool
}

// A batch is what is committed together. Its waiters read err, and the fields of their ops, after
// done is closed.
type batch struct {
	ops   []op
	bytes int
	done  chan struct{}
	err   error
}

// A batch takes no more once it has so many ops or bytes: a commit's memory and time are bounded
// by it.
const (
	batchOps   = 4096
	batchBytes = 16 << 20
)

func (b *batch) finish(err error) {
	b.err = err
	close(b.done)
}

// enqueue adds o to the batch that is gathering. The caller holds mu, and has asked usable.
func (q *Queue) enqueue(o op, bytes int) *batch {
	if n := len(q.batches); n == 0 || len(q.batches[n-1].ops) >= batchOps || q.batches[n-1].bytes+bytes > batchBytes {
		q.batches = append(q.batches, &batch{done: make(chan struct{})})
	}
	b := q.batches[len(q.batches)-1]
	b.ops = append(b.ops, o)
	b.bytes += bytes
	q.work.Signal()
	return b
}

// run is the committer. There is no waiting for more to come: the next batch is what gathered
// while the last one was written.
func (q *Queue) run() {
	defer close(q.stopped)
	for {
		b, t := q.next()
		if b == nil {
			return
		}
		err := queuefile.Contained(func() error { return q.commit(b, t) })
		q.conclude(b, t, err)
		if err == nil {
			q.compactIfEmptied()
		}
	}
}

// next waits for a batch and takes it; nil when the queue is closed or broken.
func (q *Queue) next() (*batch, *transaction) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.batches) == 0 && !q.closing && q.broken == nil {
		q.work.Wait()
	}
	if len(q.batches) == 0 {
		return nil, nil
	}
	b := q.batches[0]
	q.batches[0] = nil
	q.batches = q.batches[1:]
	kept := b.ops[:0]
	for _, o := range b.ops {
		if !o.idle() {
			kept = append(kept, o)
		}
	}
	b.ops = kept
	return b, &transaction{
		options: &q.options, now: time.Now().UnixNano(), counts: q.counts, dead: q.dead, nextExpiry: q.nextExpiry,
	}
}

func (q *Queue) conclude(b *batch, t *transaction, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken == nil && err != nil {
		q.fail(err)
	}
	if q.broken != nil {
		b.finish(q.broken)
		return
	}
	q.counts, q.nextExpiry = t.counts, t.nextExpiry
	for _, o := range b.ops {
		o.apply(q)
	}
	b.finish(nil)
	q.wakeAll()
}

// commit writes b in one transaction and syncs it. Puts that the disk has no room for are refused
// one by one before that; after it every error is one nobody can judge.
func (q *Queue) commit(b *batch, t *transaction) (err error) {
	if len(b.ops) == 0 {
		return nil
	}
	tx, err := q.db.Begin(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, queuefile.RollBack(tx)) }()
	if !q.admitToDisk(b, tx) {
		return nil
	}
	if err := t.writeAll(tx, b.ops); err != nil {
		return err
	}
	if err := q.options.commit(tx); err != nil {
		return err
	}
	return q.disk.InPlace() // or nobody will ever see what was just promised
}

// writeAll makes the changes of ops, and seals how many keys there are then.
func (t *transaction) writeAll(tx *bbolt.Tx, ops []op) error {
	t.buckets = bucketsOf(tx)
	t.appendOnly()
	for _, o := range ops {
		if err := o.write(t); err != nil {
			return err
		}
	}
	if err := t.forgetKeys(); err != nil {
		return err
	}
	return t.counts.Seal(tx)
}
