package subscription

import (
	"context"
	"fmt"

	"carrier/internal/queue/commit"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// Quarantine moves a message that nobody can read to where damaged ones are kept. It is gone for all
// subscriptions.
func (d *Delivery) Quarantine(ctx context.Context, fault error) error {
	set := d.sub.set
	set.Mu.Lock()
	set.reportAside(d.item.Seq, fault)
	set.Mu.Unlock()
	return d.end(ctx, anyTime, &quarantineOp{ending: ending{sub: d.sub, item: d.item}})
}

// quarantine queues the op that moves a damaged message to where it is not handed out. S is the
// subscription that has found out, nil at the start. The caller holds Mu.
func (set *Set) quarantine(s *Subscription, it *schedule.Item, fault error) {
	it.Receives.Lease = nil
	set.reportAside(it.Seq, fault)
	set.Enqueue(&quarantineOp{ending: ending{sub: s, item: it}}, commit.BatchBytes/commit.BatchOps)
}

// QuarantineFound is quarantine for a message that was found to be damaged when the file was opened.
// The caller holds Mu.
func (set *Set) QuarantineFound(seq uint64, indexed bool) {
	set.quarantine(nil, schedule.Damaged(seq, indexed), record.ErrDamaged)
}

// Swept counts what a sweep has removed. The caller holds Mu.
func (set *Set) Swept(sweep *store.Sweep) {
	set.live.Take(sweep.Gone)
	set.live.Take(sweep.Damaged)
	set.dead.Take(sweep.Dead)
	set.setAside += sweep.Damaged.Messages
	if n := sweep.Damaged.Messages; n > 0 {
		set.options.Report(ValueSetAside, fmt.Errorf("%d messages: %w", n, record.ErrDamaged))
	}
}

// reportAside reports a damaged message once, whoever else finds it. The caller holds Mu.
func (set *Set) reportAside(seq uint64, fault error) {
	if _, known := set.aside[seq]; !known {
		set.aside[seq] = 0
		set.options.Report(ValueSetAside, fault)
	}
}

// tookAside takes a message that was quarantined out of the counts of all who waited for it. The
// caller holds Mu.
func (set *Set) tookAside(seq uint64, gone store.Quarantined) {
	set.live.Take(gone.Gone)
	set.setAside += gone.Gone.Messages
	set.each(gone.Waited, func(s *Subscription) { s.live.Drop(gone.Cost) })
	set.aside[seq] |= gone.Waited
}

type quarantineOp struct {
	ending
	gone store.Quarantined
}

func (o *quarantineOp) Write(t *Tx) (err error) {
	o.gone, err = t.Quarantine(o.ref())
	return err
}

func (o *quarantineOp) Apply(set *Set) {
	set.tookAside(o.item.Seq, o.gone)
	o.finish(set)
}
