package queue

import (
	"context"

	"carrier/internal/queue/schedule"
)

// Quarantine moves a message that nobody can read to where damaged ones are kept. It is gone for all
// subscriptions.
func (q *Queue) Quarantine(ctx context.Context, d *Delivery, fault error) error {
	q.mu.Lock()
	q.reportAside(d.item.Seq, d.item.Handout.Size, fault)
	q.mu.Unlock()
	return q.end(ctx, d, anyTime, &quarantineOp{ending{sub: d.sub, item: d.item}})
}

// quarantine queues the op that moves a damaged message to where it is not handed out. S is the
// subscription that has found out, nil at the start. The caller holds mu.
func (q *Queue) quarantine(s *Subscription, it *schedule.Item, fault error) {
	it.Handout.Lease = nil
	q.reportAside(it.Seq, it.Handout.Size, fault)
	q.enqueue(&quarantineOp{ending{sub: s, item: it}}, batchBytes/batchOps)
}

// reportAside reports a damaged message once, whoever else finds it. The caller holds mu.
func (q *Queue) reportAside(seq uint64, cost int64, fault error) {
	if _, known := q.aside[seq]; !known {
		q.aside[seq] = cost
		q.options.Report(ValueSetAside, fault)
	}
}

type quarantineOp struct{ ending }

func (o *quarantineOp) write(t *transaction) (err error) {
	o.left, err = t.Quarantine(o.ref())
	return err
}

func (o *quarantineOp) apply(q *Queue) {
	q.setAside += o.left.Messages
	o.finish(q)
}
