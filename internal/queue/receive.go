package queue

import (
	"bytes"
	"context"
	"encoding/hex"
	"math"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/sleep"
)

// A Delivery is one hand-out of one message. Its fields are the receiver's to keep.
type Delivery struct {
	// ID is the same on every delivery.
	ID, Group  string
	Head, Body []byte
	// Stored is when the message was put, Due when it was due for the first time, FirstReceived
	// when it was first handed out.
	Stored, Due, FirstReceived time.Time
	// ReceiveCount counts hand-outs, this one included; one that a process died with
	// before it was committed is not counted.
	ReceiveCount int
	// Deferrals is how many earlier hand-outs were given back without a failed attempt.
	Deferrals int
	// Unsettled means that the hand-out before this one has no outcome on record: its lease
	// ended, or the process did. The message may have been delivered then.
	Unsettled bool
	// Expires is when the lease ends unless it is extended.
	Expires time.Time

	item  *schedule.Item
	lease *schedule.Lease
	ended *batch // the commit that settles it
}

// Receive returns between one and limit messages that are due, oldest first and at most
// one of a group, each under a lease. It waits until there is one; it returns ctx's error
// when ctx ends first, and ErrClosed or ErrBroken when the queue does. After StopWaiting
// it returns none where it would wait.
func (q *Queue) Receive(ctx context.Context, limit int) ([]*Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		wake, wait, picked, err := q.pick(limit)
		if err != nil {
			return nil, err
		}
		if len(picked) == 0 && q.noWait.Load() {
			return nil, nil
		}
		if len(picked) == 0 {
			sleep.For(ctx, wait, wake)
			continue
		}
		batch, err := q.load(picked)
		if err != nil || len(batch) > 0 {
			return batch, err
		}
	}
}

// StopWaiting makes Receive, also one under way, return at once what there is, from now on.
func (q *Queue) StopWaiting() {
	q.noWait.Store(true)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wakeAll()
}

// forever is how long to wait for what nothing but a wake can bring.
const forever = time.Duration(math.MaxInt64)

// pick takes up to limit messages from the schedule, and gives each a lease. When there is
// none it says what to wait for.
func (q *Queue) pick(limit int) (<-chan struct{}, time.Duration, []*schedule.Item, error) {
	q.receiving.Lock()
	defer q.receiving.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	var picked []*schedule.Item
	for len(picked) < limit {
		if err := q.refill(); err != nil {
			return nil, 0, nil, err
		}
		it := q.schedule.Pick()
		if it == nil {
			break
		}
		if it.Handout == nil {
			it.Handout = &schedule.Handout{}
		}
		it.Handout.Lease = &schedule.Lease{Expires: time.Now().Add(q.options.Lease)}
		picked = append(picked, it)
	}
	wait, ok := q.schedule.Sleep(time.Now())
	if !ok {
		wait = forever
	}
	return q.wake, wait, picked, nil
}

// refill brings the schedule up to date. It is called with mu held, and lets go of it
// while it reads the file.
func (q *Queue) refill() error {
	q.schedule.Advance(time.Now())
	for {
		from, known, behind := q.schedule.Behind()
		if !behind {
			return q.usable()
		}
		q.mu.Unlock()
		seqs, err := q.scan(from)
		q.mu.Lock()
		if err != nil {
			return err
		}
		if len(seqs) == schedule.AheadMax {
			known = from // there may be more
		}
		q.schedule.Extend(seqs, known)
	}
}

// scan reads the sequence numbers of the plain messages after from.
func (q *Queue) scan(from uint64) (seqs []uint64, err error) {
	err = q.view(func(b buckets) error {
		c := b[record.Plain].Cursor()
		for k, _ := c.Seek(record.SeqKey(from + 1)); k != nil && len(seqs) < schedule.AheadMax; k, _ = c.Next() {
			seqs = append(seqs, record.Seq(k))
		}
		return nil
	})
	return seqs, err
}

// load reads what was picked. A message that is damaged is quarantined and left out.
func (q *Queue) load(picked []*schedule.Item) ([]*Delivery, error) {
	batch := make([]*Delivery, len(picked))
	faults := make([]error, len(picked))
	err := q.view(func(b buckets) error {
		for i, it := range picked {
			batch[i], faults[i] = q.read(b, it)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.usable(); err != nil {
		return nil, err
	}
	good := batch[:0]
	for i, it := range picked {
		if faults[i] != nil {
			q.quarantine(it, faults[i])
			continue
		}
		q.handOut(batch[i])
		good = append(good, batch[i])
	}
	return good, nil
}

// read reads one message. Nobody else has it, so its item may be written without mu.
func (q *Queue) read(b buckets, it *schedule.Item) (*Delivery, error) {
	key := record.SeqKey(it.Seq)
	stored := b.bucketOf(it).Get(key)
	it.Handout.Size = record.CostOf(stored)
	m, err := record.DecodeMessage(bytes.Clone(stored)) // the file's pages are only lent
	if err != nil {
		return nil, err
	}
	if it.Handout.Count == 0 && !it.Fresh() {
		q.recall(it.Handout, b[record.States].Get(key))
	}
	return &Delivery{
		ID: hex.EncodeToString(m.ID[:]), Group: m.Group, Head: m.Head, Body: m.Body,
		Stored: time.Unix(0, m.Stored), Due: time.Unix(0, max(m.Stored, m.Due)), item: it, lease: it.Handout.Lease,
	}, nil
}

// recall takes over what an earlier process knew of a message.
func (q *Queue) recall(h *schedule.Handout, stored []byte) {
	if stored == nil {
		return
	}
	s, err := record.DecodeState(stored)
	if err != nil {
		q.options.Report(ValueIgnored, err)
		return
	}
	h.Count, h.Deferrals, h.First, h.Open = s.Count, s.Deferrals, s.First, s.Open
}

// handOut starts the lease of d. The count is marked in the next commit, which is not waited for:
// it is of no use to know it if the process lives.
func (q *Queue) handOut(d *Delivery) {
	now := time.Now()
	h := d.item.Handout
	d.Unsettled, h.Open = h.Open, true
	h.Count++
	if h.First == 0 {
		h.First = now.UnixNano()
	}
	h.Lease.Expires = now.Add(q.options.Lease)
	q.schedule.Lease(d.item)
	d.ReceiveCount, d.Deferrals = int(h.Count), int(h.Deferrals)
	d.FirstReceived = time.Unix(0, h.First)
	d.Expires = h.Lease.Expires
	s := record.State{Count: h.Count, Deferrals: h.Deferrals, First: h.First, Open: true}
	q.enqueue(&markOp{item: d.item, lease: h.Lease, state: s}, record.StateSize)
}

// A markOp writes a receive count.
type markOp struct {
	item  *schedule.Item
	lease *schedule.Lease
	state record.State
}

// idle: whatever ends the lease writes or removes the state itself.
func (o *markOp) idle() bool { return o.item.Handout.Lease != o.lease || o.lease.Settling }

func (o *markOp) write(t *transaction) error {
	return t.put(record.States, record.SeqKey(o.item.Seq), o.state.Encode())
}

func (o *markOp) apply(*Queue) {}
