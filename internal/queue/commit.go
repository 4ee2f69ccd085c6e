package queue

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
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

// A transaction is what an op sees while it writes.
type transaction struct {
	store.Tx
	options *Options
	dead    record.Usage // of dead letters, those included that are about to be written
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
	report := func(err error) { q.options.Report(ValueIgnored, err) }
	return b, &transaction{options: &q.options, dead: q.dead, Tx: store.Tx{
		Now: time.Now().UnixNano(), Alive: q.alive(), Report: report, Counts: q.counts, NextExpiry: q.nextExpiry,
	}}
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
	q.counts, q.nextExpiry = t.Counts, t.NextExpiry
	for _, o := range b.ops {
		o.apply(q)
	}
	b.finish(nil)
}

// commit writes b in one transaction and syncs it. Puts that the disk has no room for are refused
// one by one before that; after it every error is one nobody can judge.
func (q *Queue) commit(b *batch, t *transaction) (err error) {
	if len(b.ops) == 0 {
		return nil
	}
	tx, err := q.file.Begin()
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
	return q.file.InPlace() // or nobody will ever see what was just promised
}

// writeAll makes the changes of ops, and seals how many keys there are then.
func (t *transaction) writeAll(tx *bbolt.Tx, ops []op) error {
	t.Begin(tx)
	for _, o := range ops {
		if err := o.write(t); err != nil {
			return err
		}
	}
	return t.End()
}

// compactIfEmptied is called by the committer between two commits.
func (q *Queue) compactIfEmptied() {
	replaced, err := q.file.CompactIfEmptied(q.counts)
	switch {
	case err == nil:
	case !replaced:
		q.options.Report(CompactionFailed, err)
	default:
		q.mu.Lock()
		defer q.mu.Unlock()
		q.fail(err)
	}
}

// forgetExpired queues a commit that forgets keys, where there are any to be forgotten and no
// other commit is under way. The caller holds mu.
func (q *Queue) forgetExpired(now time.Time) {
	if q.usable() == nil && len(q.batches) == 0 && q.nextExpiry != 0 && q.nextExpiry <= now.UnixNano() {
		q.enqueue(forgetOp{}, 0)
	}
}

// A forgetOp is for when nothing else is committed: while no put comes, or all are refused.
type forgetOp struct{}

func (forgetOp) idle() bool { return false }

func (forgetOp) write(t *transaction) error {
	t.ForgetMany()
	return nil
}

func (forgetOp) apply(q *Queue) { q.forgetExpired(time.Now()) }
