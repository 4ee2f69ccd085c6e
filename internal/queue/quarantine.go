package queue

import (
	"context"

	"carrier/internal/queue/commit"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// Quarantine moves a message that nobody can read to where damaged ones are kept. It is gone for all
// subscriptions.
func (q *Queue) Quarantine(ctx context.Context, d *Delivery, fault error) error {
	q.mu.Lock()
	q.reportAside(d.item.Seq, fault)
	q.mu.Unlock()
	return q.end(ctx, d, anyTime, &quarantineOp{ending: ending{sub: d.sub, item: d.item}})
}

// quarantine queues the op that moves a damaged message to where it is not handed out. S is the
// subscription that has found out, nil at the start. The caller holds mu.
func (q *Queue) quarantine(s *Subscription, it *schedule.Item, fault error) {
	it.Receives.Lease = nil
	q.reportAside(it.Seq, fault)
	q.enqueue(&quarantineOp{ending: ending{sub: s, item: it}}, commit.BatchBytes/commit.BatchOps)
}

// reportAside reports a damaged message once, whoever else finds it. The caller holds mu.
func (q *Queue) reportAside(seq uint64, fault error) {
	if _, known := q.aside[seq]; !known {
		q.aside[seq] = 0
		q.options.Report(ValueSetAside, fault)
	}
}

// tookAside takes a message that was quarantined out of the counts of all who waited for it. The
// caller holds mu.
func (q *Queue) tookAside(seq uint64, gone store.Quarantined) {
	q.live.Take(gone.Gone)
	q.setAside += gone.Gone.Messages
	q.each(gone.Waited, func(s *Subscription) { s.live.Drop(gone.Cost) })
	q.aside[seq] |= gone.Waited
}

type quarantineOp struct {
	ending
	gone store.Quarantined
}

func (o *quarantineOp) Write(t *transaction) (err error) {
	o.gone, err = t.Quarantine(o.ref())
	return err
}

func (o *quarantineOp) Apply(q *Queue) {
	q.tookAside(o.item.Seq, o.gone)
	o.finish(q)
}
