package subscription

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
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

	sub   *Subscription
	item  *schedule.Item
	lease *schedule.Lease
	ended *Batch // the commit that settles it
}

// Receive returns between one and limit messages that are due, oldest first and at most
// one of a group, each under a lease. It waits until there is one; it returns ctx's error
// when ctx ends first, and what SetOptions says when the queue does. After StopWaiting
// it returns none where it would wait.
func (s *Subscription) Receive(ctx context.Context, limit int) ([]*Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		wake, wait, picked, err := s.pick(limit)
		if err != nil {
			return nil, err
		}
		if len(picked) == 0 && s.set.noWait.Load() {
			return nil, nil
		}
		if len(picked) == 0 {
			sleep.For(ctx, wait, wake)
			continue
		}
		batch, err := s.load(picked)
		if err != nil || len(batch) > 0 {
			return batch, err
		}
	}
}

// forever is how long to wait for what nothing but a wake can bring.
const forever = time.Duration(math.MaxInt64)

// pick takes up to limit messages from the schedule, and gives each a lease. When there is
// none it says what to wait for.
func (s *Subscription) pick(limit int) (<-chan struct{}, time.Duration, []*schedule.Item, error) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	s.set.Mu.Lock()
	defer s.set.Mu.Unlock()
	var picked []*schedule.Item
	for len(picked) < limit {
		if err := s.refill(s.set.View); err != nil {
			return nil, 0, nil, err
		}
		it := s.schedule.Pick()
		if it == nil {
			break
		}
		if it.Receives == nil {
			it.Receives = &schedule.Receives{}
		}
		it.Receives.Lease = &schedule.Lease{Expires: time.Now().Add(s.options.Lease)}
		picked = append(picked, it)
	}
	if len(picked) > 0 {
		return nil, 0, picked, nil
	}
	wait, ok := s.schedule.Sleep(time.Now())
	if !ok {
		wait = forever
	}
	return s.waitChannel(), wait, nil, nil
}

// scanMost is how many messages are passed over in one read of the file, in search of those of one
// subscription.
const scanMost = 10_000

// refill brings the schedule up to date. It is called with receiving and mu held, and lets go of mu
// while it reads the file through view.
func (s *Subscription) refill(view func(func(store.Buckets) error) error) error {
	s.schedule.Advance(time.Now())
	for {
		from, known, behind := s.schedule.Behind()
		if !behind {
			return s.set.Usable()
		}
		var seqs []uint64
		s.set.Mu.Unlock()
		err := view(func(b store.Buckets) error {
			var until uint64
			var whole bool
			if seqs, until, whole = b.Pending(from, known, s.slot, schedule.AheadMax, scanMost); !whole {
				known = until // there may be more
			}
			return nil
		})
		s.set.Mu.Lock()
		if err != nil {
			return err
		}
		s.schedule.Extend(seqs, known)
	}
}

// errGone is what reading a message says that was quarantined when another subscription had it.
var errGone = errors.New("message is gone")

// load reads what was picked. A message that is damaged is quarantined and left out.
func (s *Subscription) load(picked []*schedule.Item) ([]*Delivery, error) {
	set := s.set
	batch := make([]*Delivery, len(picked))
	faults := make([]error, len(picked))
	err := set.View(func(b store.Buckets) error {
		for i, it := range picked {
			batch[i], faults[i] = s.read(b, it)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	set.Mu.Lock()
	defer set.Mu.Unlock()
	if err := set.Usable(); err != nil {
		return nil, err
	}
	good := batch[:0]
	for i, it := range picked {
		switch {
		case errors.Is(faults[i], errGone):
			it.Receives.Lease = nil
			(&ending{sub: s, item: it}).finish(set)
		case faults[i] != nil:
			set.quarantine(s, it, faults[i])
		default:
			s.startLease(batch[i])
			good = append(good, batch[i])
		}
	}
	s.wakeUp() // who waits knows nothing of these leases' ends
	return good, nil
}

// read reads one message. Nobody else has it, so its item may be written without mu.
func (s *Subscription) read(b store.Buckets, it *schedule.Item) (*Delivery, error) {
	stored := b.Message(store.Ref{Seq: it.Seq, Indexed: it.Indexed()})
	if stored == nil {
		return nil, errGone
	}
	it.Receives.Size, _ = record.CostOf(stored)
	m, err := record.DecodeMessage(bytes.Clone(stored)) // the file's pages are only lent
	if err != nil {
		return nil, err
	}
	if it.Receives.Count == 0 && !it.Fresh() {
		s.recall(it.Receives, b.State(it.Seq, s.slot))
	}
	return &Delivery{
		ID: hex.EncodeToString(m.ID[:]), Group: m.Group, Head: m.Head, Body: m.Body,
		Stored: time.Unix(0, m.Stored), Due: time.Unix(0, max(m.Stored, m.Due)), sub: s, item: it, lease: it.Receives.Lease,
	}, nil
}

// recall takes over what an earlier process knew of a message.
func (s *Subscription) recall(h *schedule.Receives, stored []byte) {
	if stored == nil {
		return
	}
	state, err := record.DecodeState(stored)
	if err != nil {
		s.set.options.Report(ValueIgnored, err)
		return
	}
	h.Count, h.Deferrals, h.First, h.Open = state.Count, state.Deferrals, state.First, state.Open
}

// startLease starts the lease of d. The count is marked in the next commit, which is not waited for:
// it is of no use to know it if the process lives.
func (s *Subscription) startLease(d *Delivery) {
	now := time.Now()
	h := d.item.Receives
	d.Unsettled, h.Open = h.Open, true
	h.Count++
	if h.First == 0 {
		h.First = now.UnixNano()
	}
	h.Lease.Expires = now.Add(s.options.Lease)
	s.schedule.Lease(d.item)
	d.ReceiveCount, d.Deferrals = int(h.Count), int(h.Deferrals)
	d.FirstReceived = time.Unix(0, h.First)
	d.Expires = h.Lease.Expires
	state := record.State{Count: h.Count, Deferrals: h.Deferrals, First: h.First, Open: true}
	s.set.Enqueue(&markOp{slot: s.slot, item: d.item, lease: h.Lease, state: state}, record.StateSize)
}

// A markOp writes a receive count.
type markOp struct {
	slot  int
	item  *schedule.Item
	lease *schedule.Lease
	state record.State
}

// Idle: whatever ends the lease writes or removes the state itself.
func (o *markOp) Idle() bool { return o.item.Receives.Lease != o.lease || o.lease.Settling }

func (o *markOp) Write(t *Tx) error {
	return t.SetState(o.item.Seq, o.slot, o.state)
}

func (o *markOp) Apply(*Set) {}
