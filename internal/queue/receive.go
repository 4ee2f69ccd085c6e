package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// A Delivery is one hand-out of one message. Its fields are the receiver's to keep.
type Delivery struct {
	// ID is the same on every delivery.
	ID, Group  string
	Head, Body []byte
	// Stored is when the message was put, FirstReceived when it was first handed out.
	Stored, FirstReceived time.Time
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

	item  *item
	lease *lease
	ended *group // the commit that settles it
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
		wake, sleep, picked, err := q.pick(limit)
		if err != nil {
			return nil, err
		}
		if len(picked) == 0 && q.hurried.Load() {
			return nil, nil
		}
		if len(picked) == 0 {
			rest(ctx, wake, sleep)
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
	q.hurried.Store(true)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rouse()
}

// rest waits for ctx, wake, or so long; a negative time is for ever.
func rest(ctx context.Context, wake <-chan struct{}, sleep time.Duration) {
	var alarm <-chan time.Time
	if sleep >= 0 {
		t := time.NewTimer(sleep)
		defer t.Stop()
		alarm = t.C
	}
	select {
	case <-ctx.Done():
	case <-wake:
	case <-alarm:
	}
}

// pick takes up to limit messages from the schedule, and gives each a lease. When there is
// none it says what to wait for.
func (q *Queue) pick(limit int) (<-chan struct{}, time.Duration, []*item, error) {
	q.receiving.Lock()
	defer q.receiving.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	var picked []*item
	for len(picked) < limit {
		if err := q.refill(); err != nil {
			return nil, 0, nil, err
		}
		it := q.schedule.pick()
		if it == nil {
			break
		}
		it.lease = &lease{expires: time.Now().Add(q.options.Lease)}
		picked = append(picked, it)
	}
	sleep, ok := q.schedule.sleep(time.Now())
	if !ok {
		sleep = -1
	}
	return q.wake, sleep, picked, nil
}

// refill brings the schedule up to date. It is called with mu held, and lets go of it
// while it reads the file.
func (q *Queue) refill() error {
	q.schedule.turn(time.Now())
	for q.schedule.behind() {
		from, known := q.schedule.frontier, q.schedule.last
		q.mu.Unlock()
		seqs, err := q.scan(from)
		q.mu.Lock()
		if err != nil {
			return err
		}
		if len(seqs) == aheadMax {
			known = from // there may be more
		}
		q.schedule.extend(seqs, known)
	}
	return q.usable()
}

// scan reads the sequence numbers of the plain messages after from.
func (q *Queue) scan(from uint64) (seqs []uint64, err error) {
	err = q.view(func(b buckets) error {
		c := b.plain.Cursor()
		for k, _ := c.Seek(seqKey(from + 1)); k != nil && len(seqs) < aheadMax; k, _ = c.Next() {
			seqs = append(seqs, binary.BigEndian.Uint64(k))
		}
		return nil
	})
	return seqs, err
}

// load reads what was picked. A message that is damaged is set aside and left out.
func (q *Queue) load(picked []*item) ([]*Delivery, error) {
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
func (q *Queue) read(b buckets, it *item) (*Delivery, error) {
	key := seqKey(it.seq)
	stored := b.of(it).Get(key)
	it.size = costOf(stored)
	r, err := decodeRecord(bytes.Clone(stored)) // the file's pages are only lent
	if err != nil {
		return nil, err
	}
	if !it.known {
		q.recall(it, b.state.Get(key))
	}
	return &Delivery{
		ID: hex.EncodeToString(r.id[:]), Group: r.group, Head: r.head, Body: r.body,
		Stored: time.Unix(0, r.stored), item: it, lease: it.lease,
	}, nil
}

// recall takes over what an earlier process knew of it.
func (q *Queue) recall(it *item, stored []byte) {
	it.known = true
	if stored == nil {
		return
	}
	s, err := decodeState(stored)
	if err != nil {
		q.options.Report(ValueIgnored, err)
		return
	}
	it.count, it.deferrals, it.first, it.open = s.count, s.deferrals, s.first, s.open
}

// handOut starts the lease of d. The count is marked in the next commit, which is not
// waited for: it is of no use to know it if the process lives.
func (q *Queue) handOut(d *Delivery) {
	now := time.Now()
	it := d.item
	d.Unsettled = it.open
	it.open = true
	it.count++
	if it.first == 0 {
		it.first = now.UnixNano()
	}
	it.lease.expires = now.Add(q.options.Lease)
	q.schedule.leased.push(it)
	d.ReceiveCount, d.Deferrals = int(it.count), int(it.deferrals)
	d.FirstReceived = time.Unix(0, it.first)
	d.Expires = it.lease.expires
	s := state{count: it.count, deferrals: it.deferrals, first: it.first, open: true}
	q.enqueue(&mark{item: it, lease: it.lease, state: s}, stateSize)
}

// A mark is the op that writes a receive count.
type mark struct {
	item  *item
	lease *lease
	state state
}

// idle: whatever ends the lease writes or removes the state itself.
func (o *mark) idle() bool                 { return o.item.lease != o.lease || o.lease.settling }
func (o *mark) write(t *transaction) error { return t.state.Put(seqKey(o.item.seq), o.state.encode()) }
func (o *mark) apply(*Queue)               {}
