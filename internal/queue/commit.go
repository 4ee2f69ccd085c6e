package queue

import (
	"context"
	"time"

	"carrier/internal/queue/commit"
	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
)

type (
	op    = commit.Op[*transaction, *Queue]
	batch = commit.Batch[*transaction, *Queue]
)

// A transaction is what an op sees while it writes.
type transaction struct {
	store.Tx
	options *Options
	dead    record.Usage // of dead letters, those included that are about to be written
}

// newCommitter assembles what commits for q.
func newCommitter(q *Queue) *commit.Committer[*transaction, *Queue] {
	return commit.New(commit.Options[*transaction, *Queue]{
		Lock: &q.mu, File: q.file, State: q, Commit: q.options.commit, Closed: ErrClosed,
		Begin: q.begin, Conclude: q.conclude, Between: q.compactIfEmptied, OnFail: q.failed,
	})
}

// begin returns what the next batch is written with. The caller holds mu.
func (q *Queue) begin() *transaction {
	report := func(err error) { q.options.Report(ValueIgnored, err) }
	return &transaction{options: &q.options, dead: q.dead, Tx: store.Tx{
		Now: time.Now().UnixNano(), Alive: q.alive(), Report: report, Counts: q.counts, NextExpiry: q.nextExpiry,
	}}
}

func (q *Queue) conclude(t *transaction) { q.counts, q.nextExpiry = t.Counts, t.NextExpiry }

// enqueue adds o to the batch that is gathering. The caller holds mu, and has asked usable.
func (q *Queue) enqueue(o op, bytes int) *batch { return q.commits.Enqueue(o, bytes) }

// wait returns once b is committed, with what became of it.
func (q *Queue) wait(ctx context.Context, b *batch) error { return q.commits.Wait(ctx, b) }

// usable reports why the queue takes no more calls, if it does not. The caller holds mu.
func (q *Queue) usable() error { return q.commits.Usable() }

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
		q.commits.Fail(err)
	}
}

// forgetExpired queues a commit that forgets keys, where there are any to be forgotten and no
// other commit is under way. The caller holds mu.
func (q *Queue) forgetExpired(now time.Time) {
	if q.usable() == nil && !q.commits.Waiting() && q.nextExpiry != 0 && q.nextExpiry <= now.UnixNano() {
		q.enqueue(forgetOp{}, 0)
	}
}

// A forgetOp is for when nothing else is committed: while no put comes, or all are refused.
type forgetOp struct{}

// Idle says that it is never idle.
func (forgetOp) Idle() bool { return false }

// Write forgets keys.
func (forgetOp) Write(t *transaction) error {
	t.ForgetMany()
	return nil
}

// Apply goes on where there are more.
func (forgetOp) Apply(q *Queue) { q.forgetExpired(time.Now()) }
