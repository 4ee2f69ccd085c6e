package queue

import (
	"cmp"
	"fmt"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// name is s's for people.
func (s *Subscription) name() string { return cmp.Or(s.options.Name, DefaultName) }

// DefaultName is what the subscription without a name is called where one is needed.
const DefaultName = "default"

func (s *Subscription) fits(bytes int64) bool {
	return fits(s.live, bytes, s.options.MaxMessages, s.options.MaxBytes)
}

// canEvict says that messages of s may be taken away to make room, and that there are some which are
// not in flight. The caller holds mu.
func (s *Subscription) canEvict() bool {
	_, _, inFlight := s.schedule.Counts()
	if s.options.Full == Refuse || s.live.Messages <= inFlight {
		return false
	}
	q := s.queue
	return s.options.Full == DropThem || q.roomForDead()
}

// roomForDead says whether there may be one dead letter more. The quota of bytes may be passed by
// that one. The caller holds mu.
func (q *Queue) roomForDead() bool {
	u := q.dead
	u.Add(1)
	return q.options.DeadFull == DropOldest || q.options.deadFits(u)
}

// fullest is the subscription that most messages wait for: the one that makes room where the file is
// full. The caller holds mu.
func (q *Queue) fullest() (fullest *Subscription) {
	for _, s := range q.subscriptions {
		if fullest == nil || s.live.Messages > fullest.live.Messages {
			fullest = s
		}
	}
	return fullest
}

// evictForRoom queues what makes room for a message to slots that was just admitted. The caller holds
// mu.
func (q *Queue) evictForRoom(slots uint64) {
	if !q.within(q.live) {
		if s := q.fullest(); s.options.Full != Refuse {
			s.evict(&evictOp{sub: s, how: s.options.Full, why: fullReason})
		}
	}
	q.each(slots, func(s *Subscription) {
		if s.options.Full != Refuse && !s.within(s.live) {
			s.evict(&evictOp{sub: s, how: s.options.Full, why: fullReason})
		}
	})
}

func within(u record.Usage, maxMessages int, maxBytes int64) bool {
	return (maxMessages <= 0 || u.Messages <= maxMessages) && (maxBytes <= 0 || u.Bytes <= maxBytes)
}

func (q *Queue) within(u record.Usage) bool {
	return within(u, q.options.MaxMessages, q.options.MaxBytes)
}

func (s *Subscription) within(u record.Usage) bool {
	return within(u, s.options.MaxMessages, s.options.MaxBytes)
}

// evict queues o, unless one is queued for the same subscription. The caller holds mu.
func (s *Subscription) evict(o *evictOp) *batch {
	if s.evicting && !o.all {
		return nil
	}
	s.evicting = true
	return s.queue.enqueue(o, 0)
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

func (o *evictOp) Write(t *transaction) error {
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
func (o *evictOp) next(t *transaction) (*schedule.Item, error) {
	s := o.sub
	q := s.queue
	s.receiving.Lock()
	defer s.receiving.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	if !o.wantsMore() || o.how == DeadLetterThem && !q.roomForDead() {
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
	return it, nil
}

// wantsMore says whether something is to go still. The caller holds mu.
func (o *evictOp) wantsMore() bool {
	if o.all {
		return o.sizes.Messages < o.most
	}
	mine, file := o.sub.live, o.sub.queue.live
	mine.Take(o.sizes)
	file.Take(o.gone)
	return !o.sub.within(mine) || !o.sub.queue.within(file) && o.sub.queue.fullest() == o.sub
}

// take takes message it out of the file.
func (o *evictOp) take(t *transaction, it *schedule.Item) error {
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
func (o *evictOp) charge(t *transaction, bytes int64) {
	t.dead.Add(bytes)
	o.sub.queue.mu.Lock()
	defer o.sub.queue.mu.Unlock()
	o.sub.chargeDead(bytes)
}

func refOf(it *schedule.Item) store.Ref { return store.Ref{Seq: it.Seq, Indexed: it.Indexed()} }

func (o *evictOp) Apply(q *Queue) {
	s := o.sub
	s.evicting = false
	q.live.Take(o.gone)
	o.dropped.apply(q)
	for _, a := range o.aside {
		q.reportAside(a.seq, record.ErrDamaged)
		q.tookAside(a.seq, a.gone)
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
	if !o.all && len(o.taken) > 0 && (!s.within(s.live) || !q.within(q.live)) {
		s.evict(&evictOp{sub: s, how: o.how, why: o.why})
	}
}

// unreported are messages and dead letters that were taken away and not told of.
type unreported struct{ dead, evicted record.Usage }

// reportPause is the least time between two reports of what was taken away.
const reportPause = 10 * time.Second

// reportEvicted reports what had to make room, all since the last time at once. The caller holds mu.
func (q *Queue) reportEvicted(now time.Time) {
	if now.Sub(q.reported) < reportPause {
		return
	}
	for _, s := range q.all() {
		u := s.unreported
		if u == (unreported{}) {
			continue
		}
		s.unreported, q.reported = unreported{}, now
		if u.dead.Messages > 0 {
			q.options.Report(DeadLetterDropped, fmt.Errorf("%d of the oldest (%d bytes) made room for newer ones", u.dead.Messages, u.dead.Bytes))
		}
		if u.evicted.Messages > 0 {
			s.options.Warn(fmt.Sprintf("subscription %s is full: %d of the oldest messages (%d bytes) were %s",
				s.name(), u.evicted.Messages, u.evicted.Bytes, s.options.Full.done()))
		}
	}
}

// done says what has become of messages.
func (e Eviction) done() string {
	if e == DropThem {
		return "dropped"
	}
	return "made dead letters"
}
