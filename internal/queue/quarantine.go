package queue

import (
	"bytes"
	"context"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
)

// Quarantine moves a message that nobody can read to where damaged ones are kept.
func (q *Queue) Quarantine(ctx context.Context, d *Delivery, fault error) error {
	q.options.Report(ValueSetAside, fault)
	return q.end(ctx, d, anyTime, &quarantineOp{item: d.item})
}

// quarantine queues the op that moves a damaged message to where it is not handed out. The
// caller holds mu, or is alone.
func (q *Queue) quarantine(it *schedule.Item, fault error) {
	it.Handout.Lease = nil
	q.enqueue(&quarantineOp{item: it}, batchBytes/batchOps)
	q.options.Report(ValueSetAside, fault)
}

type quarantineOp struct{ item *schedule.Item }

func (o *quarantineOp) idle() bool { return false }

func (o *quarantineOp) write(t *transaction) error {
	key := record.SeqKey(o.item.Seq)
	if stored := t.bucketOf(o.item).Get(key); stored != nil {
		if err := t.put(record.Quarantined, key, bytes.Clone(stored)); err != nil {
			return err
		}
	}
	return t.discard(o.item)
}

func (o *quarantineOp) apply(q *Queue) {
	q.live.Drop(o.item.Handout.Size)
	q.setAside++
	q.schedule.Finish(o.item)
}
