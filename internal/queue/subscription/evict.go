package subscription

import (
	"context"
	"fmt"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// evict queues o, unless one is queued for the same subscription. The caller holds Mu.
func (s *Subscription) evict(o *evictOp) *Batch {
	if s.evicting && !o.all {
		return nil
	}
	s.evicting = true
	return s.set.Enqueue(o, 0)
}

const fullReason = "subscription full"

// evictMost and evictBytes bound what one commit takes away.
const (
	evictMost  = 4096
	evictBytes = 4 << 20
)

// An evictOp takes away messages of a subscription that are not in flight, oldest first: until the
// quotas are kept, or up to a number of them whatever the quotas are.
type evictOp struct {
	sub  *Subscription
	how  Eviction
	why  string
	all  bool
	most int // with all

	taken   []*schedule.Item
	gone    record.Usage // left the file
	sizes   record.Usage
	dropped deadDropped
	aside   []quarantined
}

type quarantined struct {
	seq  uint64
	gone store.Quarantined
}

func (o *evictOp) Idle() bool { return false }

func (o *evictOp) Write(t *Tx) error {
	for o.sizes.Messages < evictMost && o.sizes.Bytes < evictBytes {
		it, err := o.next(t)
		if err != nil || it == nil {
			return err
		}
		if err := o.take(t, it); err != nil {
			return err
		}
	}
	return nil
}

// next takes the next message out of the schedule; nil where no more is to go.
func (o *evictOp) next(t *Tx) (*schedule.Item, error) {
	s := o.sub
	set := s.set
	s.receiving.Lock()
	defer s.receiving.Unlock()
	set.Mu.Lock()
	defer set.Mu.Unlock()
	if !o.wantsMore() || o.how == DeadLetterThem && !set.roomForDead() {
		return nil, nil
	}
	if err := s.refill(func(read func(store.Buckets) error) error { return read(t.Buckets) }); err != nil {
		return nil, nil // the queue is closing or broken
	}
	it := s.schedule.TakeOldest()
	if it == nil {
		return nil, nil
	}
	if it.Receives == nil {
		it.Receives = &schedule.Receives{}
	}
	it.Receives.Size, _ = record.CostOf(t.Message(refOf(it)))
	it.Receives.Lease = nil // one that is over ends nothing any more
	return it, nil
}

// wantsMore says whether something is to go still. The caller holds Mu.
func (o *evictOp) wantsMore() bool {
	if o.all {
		return o.sizes.Messages < o.most
	}
	mine, file := o.sub.live, o.sub.set.live
	mine.Take(o.sizes)
	file.Take(o.gone)
	return !o.sub.within(mine) || !o.sub.set.within(file) && o.sub.set.fullest() == o.sub
}

// take takes message it out of the file.
func (o *evictOp) take(t *Tx, it *schedule.Item) error {
	o.taken = append(o.taken, it)
	o.sizes.Add(it.Receives.Size)
	var gone store.Gone
	var err error
	stored := t.Message(refOf(it))
	_, damaged := record.DecodeMessage(stored)
	switch {
	case stored != nil && damaged != nil:
		var q store.Quarantined
		q, err = t.Quarantine(refOf(it))
		o.aside = append(o.aside, quarantined{it.Seq, q})
	case stored != nil && o.how == DeadLetterThem:
		o.charge(t, it.Receives.Size)
		if gone, err = t.DeadLetter(refOf(it), o.sub.slot, Reason{Text: o.why}); err == nil {
			err = o.dropped.makeRoom(t)
		}
	default:
		gone, err = t.Settle(refOf(it), o.sub.slot)
	}
	o.gone.Put(gone)
	return err
}

// charge counts a dead letter.
func (o *evictOp) charge(t *Tx, bytes int64) {
	t.dead.Add(bytes)
	o.sub.set.Mu.Lock()
	defer o.sub.set.Mu.Unlock()
	o.sub.chargeDead(bytes)
}

func refOf(it *schedule.Item) store.Ref { return store.Ref{Seq: it.Seq, Indexed: it.Indexed()} }

func (o *evictOp) Apply(set *Set) {
	s := o.sub
	s.evicting = false
	set.live.Take(o.gone)
	o.dropped.apply(set)
	for _, a := range o.aside {
		set.reportAside(a.seq, record.ErrDamaged)
		set.tookAside(a.seq, a.gone)
	}
	for _, it := range o.taken {
		s.finish(it)
	}
	s.evicted += uint64(len(o.taken))
	if o.how == DeadLetterThem {
		s.evictedDead += uint64(len(o.taken))
	}
	s.wakeUp()
	if !o.all && len(o.taken) > 0 {
		s.unreported.evicted.Put(o.sizes)
	}
	if !o.all && len(o.taken) > 0 && (!s.within(s.live) || !set.within(set.live)) {
		s.evict(&evictOp{sub: s, how: o.how, why: o.why})
	}
}

// Drop removes what s has at this moment and is not in flight, dead letters included. It returns how
// many messages and dead letters there were, once that is on the disk.
func (s *Subscription) Drop(ctx context.Context) (messages, dead int, err error) {
	set := s.set
	set.Mu.Lock()
	left := s.live.Messages
	set.Mu.Unlock()
	for left > 0 {
		o := &evictOp{sub: s, how: DropThem, all: true, most: left}
		set.Mu.Lock()
		if err := set.Usable(); err != nil {
			set.Mu.Unlock()
			return messages, 0, err
		}
		b := s.evict(o)
		set.Mu.Unlock()
		if err := set.Wait(ctx, b); err != nil {
			return messages, 0, err
		}
		if len(o.taken) == 0 {
			break
		}
		messages += len(o.taken)
		left -= len(o.taken)
	}
	dead, err = s.DropDeadLetters(ctx)
	return messages, dead, err
}

// unreported are messages and dead letters that were taken away and not told of.
type unreported struct{ dead, evicted record.Usage }

// reportPause is the least time between two reports of what was taken away.
const reportPause = 10 * time.Second

// ReportRest reports what had to make room and was not told of yet. The caller holds Mu.
func (set *Set) ReportRest() { set.reportEvicted(set.reported.Add(reportPause)) }

// reportEvicted reports what had to make room, all since the last time at once. The caller holds Mu.
func (set *Set) reportEvicted(now time.Time) {
	if now.Sub(set.reported) < reportPause {
		return
	}
	for _, s := range set.All() {
		u := s.unreported
		if u == (unreported{}) {
			continue
		}
		s.unreported, set.reported = unreported{}, now
		if u.dead.Messages > 0 {
			set.options.Report(DeadLetterDropped, fmt.Errorf("%d of the oldest (%d bytes) made room for newer ones", u.dead.Messages, u.dead.Bytes))
		}
		if u.evicted.Messages > 0 {
			s.options.Warn(fmt.Sprintf("subscription %s is full: %d of the oldest messages (%d bytes) were %s",
				s.Name(), u.evicted.Messages, u.evicted.Bytes, s.options.Full.done()))
		}
	}
}
