package queue

import "bytes"

// quarantine queues the op that moves a damaged message to where it is not handed out. The
// caller holds mu, or is alone.
func (q *Queue) quarantine(it *item, fault error) {
	it.lease = nil
	q.enqueue(&aside{item: it, fault: fault}, groupBytes/groupOps)
	q.options.Report(ValueSetAside, fault)
}

type aside struct {
	item  *item
	fault error
}

func (o *aside) idle() bool { return false }

func (o *aside) write(t *transaction) error {
	key := seqKey(o.item.seq)
	stored := t.of(o.item).Get(key)
	if stored != nil {
		if err := t.aside.Put(key, bytes.Clone(stored)); err != nil {
			return err
		}
	}
	return t.discard(o.item)
}

func (o *aside) apply(q *Queue) {
	q.live.drop(o.item.size)
	q.aside++
	q.schedule.finish(o.item)
}
