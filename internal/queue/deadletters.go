package queue

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
)

// A Reason says why a message became a dead letter.
type Reason = record.Reason

// DeadLetter moves the message to the dead letters. With Keep, ErrFull means that there is no room
// for more of them, and that the lease goes on; with DropOldest the oldest ones make room.
func (q *Queue) DeadLetter(ctx context.Context, d *Delivery, why Reason) error {
	return q.end(ctx, d, inTime, &deadLetterOp{item: d.item, why: why})
}

// deadFits says whether u is within the quotas of dead letters.
func (o *Options) deadFits(u record.Usage) bool {
	return (o.MaxDeadMessages <= 0 || u.Messages <= o.MaxDeadMessages) &&
		(o.MaxDeadBytes <= 0 || u.Bytes <= o.MaxDeadBytes)
}

// chargeDead counts a dead letter that is about to be written. The caller holds mu.
func (q *Queue) chargeDead(bytes int64) error {
	u := q.dead
	u.Add(bytes)
	if q.options.DeadFull == Keep && !q.options.deadFits(u) {
		return fmt.Errorf("%w: no room for dead letters", ErrFull)
	}
	q.dead = u
	return nil
}

type deadLetterOp struct {
	item    *schedule.Item
	why     Reason
	dropped record.Usage
}

func (o *deadLetterOp) idle() bool { return false }

func (o *deadLetterOp) write(t *transaction) error {
	key := record.SeqKey(o.item.Seq)
	stored := bytes.Clone(t.bucketOf(o.item).Get(key))
	if err := t.put(record.Dead, key, record.EncodeDeadLetter(o.why, time.Unix(0, t.now), stored)); err != nil {
		return err
	}
	if err := t.discard(o.item); err != nil {
		return err
	}
	for !t.options.deadFits(t.dead) {
		size, found, err := t.dropOldestDead()
		if err != nil || !found {
			return err
		}
		o.dropped.Add(size)
	}
	return nil
}

// dropOldestDead removes the dead letter that was put first, and says what it cost.
func (t *transaction) dropOldestDead() (size int64, found bool, err error) {
	k, v := t.buckets[record.Dead].Cursor().First()
	if k == nil {
		return 0, false, nil
	}
	size = record.DeadLetterCost(v, len(v))
	t.dead.Drop(size)
	return size, true, t.delete(record.Dead, bytes.Clone(k))
}

func (o *deadLetterOp) apply(q *Queue) {
	q.live.Drop(o.item.Handout.Size)
	q.droppedDead(o.dropped)
	q.schedule.Finish(o.item)
}

// droppedDead counts dead letters that had to make room.
func (q *Queue) droppedDead(u record.Usage) {
	q.dead.Messages -= u.Messages
	q.dead.Bytes = max(0, q.dead.Bytes-u.Bytes)
	q.deadDropped += uint64(u.Messages)
	q.unreported.Messages += u.Messages
	q.unreported.Bytes += u.Bytes
}

// reportPause is the least time between two reports of dead letters that were dropped.
const reportPause = 10 * time.Second

// reportDropped reports dead letters that had to make room, all since the last time at once. The
// caller holds mu.
func (q *Queue) reportDropped(now time.Time) {
	if u := q.unreported; u.Messages > 0 && now.Sub(q.reported) >= reportPause {
		q.unreported, q.reported = record.Usage{}, now
		q.options.Report(DeadLetterDropped, fmt.Errorf("%d of the oldest (%d bytes) made room for newer ones", u.Messages, u.Bytes))
	}
}

// DropDeadLetters removes all dead letters, and returns how many there were.
func (q *Queue) DropDeadLetters(ctx context.Context) (int, error) {
	total := 0
	for {
		o := &dropDeadOp{}
		q.mu.Lock()
		if err := q.usable(); err != nil {
			q.mu.Unlock()
			return total, err
		}
		b := q.enqueue(o, 0)
		q.mu.Unlock()
		if err := q.wait(ctx, b); err != nil {
			return total, err
		}
		total += o.dropped.Messages
		if o.dropped.Messages == 0 {
			return total, nil
		}
	}
}

// dropDeadMost is how many dead letters one commit removes.
const dropDeadMost = 4096

type dropDeadOp struct{ dropped record.Usage }

func (o *dropDeadOp) idle() bool { return false }

func (o *dropDeadOp) write(t *transaction) error {
	for range dropDeadMost {
		size, found, err := t.dropOldestDead()
		if err != nil || !found {
			return err
		}
		o.dropped.Add(size)
	}
	return nil
}

func (o *dropDeadOp) apply(q *Queue) {
	q.dead.Messages -= o.dropped.Messages
	q.dead.Bytes = max(0, q.dead.Bytes-o.dropped.Bytes)
}
