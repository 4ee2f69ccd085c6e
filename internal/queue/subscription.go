package queue

import (
	"math/bits"
	"slices"
	"sync"
	"time"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/slots"
)

// noSlot is the slot of no subscription.
const noSlot = -1

// A Subscription gets messages of the queue. Its methods are safe for concurrent use.
type Subscription struct {
	queue   *Queue
	slot    int
	options SubscriptionOptions

	receiving sync.Mutex // held by the one who moves the schedule's frontier; taken before the queue's mu

	// What follows is guarded by the queue's mu.
	schedule *schedule.Schedule
	wake     chan struct{} // closed when something may have become due; nil while nobody waits
	live     record.Usage
	dead     record.Usage
	// deadDropped counts dead letters that had to make room, evicted messages that were taken away, evictedDead
	// those of them that were made dead letters.
	deadDropped, evicted, evictedDead uint64
	unreported                        unreported
	evicting                          bool // an evictOp is queued
	offline                           bool
	unsuccessful                      time.Time     // since when something waits and nothing was removed; zero is not
	nearlyFull                        bool          // that was told
	passed                            [2]uint64     // see oldest
	gone                              bool          // it is being dropped
	dropped                           chan struct{} // closed when that is done
}

func (s *Subscription) bit() uint64 { return 1 << s.slot }

// wakeUp wakes whoever waits for a message of s. The caller holds mu.
func (s *Subscription) wakeUp() {
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// waitChannel is closed at the next wakeUp. The caller holds mu.
func (s *Subscription) waitChannel() <-chan struct{} {
	if s.wake == nil {
		s.wake = make(chan struct{})
	}
	return s.wake
}

// assign finds the subscriptions of the options in the file f, and writes down what has changed.
func (q *Queue) assign(f *queuefile.Opened) error {
	table, wanted, assigned, err := q.wanted(f)
	if err != nil {
		return err
	}
	if err := queuefile.Prepare(f, table, slices.Equal(table, f.Table)); err != nil {
		return err
	}
	q.table = table
	for _, s := range table {
		if s.State == record.Removed {
			q.add(f, s.Slot, SubscriptionOptions{Name: s.Name, Pattern: s.Pattern})
		}
	}
	for i, slot := range assigned {
		s := q.add(f, slot, wanted[i])
		q.subscriptions = append(q.subscriptions, s)
		if loaded := f.Slots[slot]; loaded != nil {
			s.schedule = loaded.Schedule
		}
		q.accepting.Store(q.accepting.Load() | s.bit())
	}
	return nil
}

// wanted returns the table that the file f is to have, the subscriptions that are configured, and
// the slot of each of them.
func (q *Queue) wanted(f *queuefile.Opened) (table []record.Subscription, wanted []SubscriptionOptions, assigned []int, err error) {
	if wanted = q.options.Subscriptions; wanted == nil {
		for _, s := range f.Table {
			if s.State == record.Active {
				wanted = append(wanted, SubscriptionOptions{Name: s.Name, Pattern: s.Pattern})
				assigned = append(assigned, s.Slot)
			}
		}
		return f.Table, wanted, assigned, nil
	}
	names := make([]slots.Wanted, len(wanted))
	for i, w := range wanted {
		names[i] = slots.Wanted{Name: w.Name, Pattern: w.Pattern}
	}
	table, assigned, err = slots.Assign(f.Table, f.UsedSlots, names, time.Now().UnixNano())
	return table, wanted, assigned, err
}

func (q *Queue) add(f *queuefile.Opened, slot int, o SubscriptionOptions) *Subscription {
	s := &Subscription{
		queue: q, slot: slot, options: o.withDefaults(&q.options), schedule: schedule.New(), dropped: make(chan struct{}),
	}
	s.schedule.Booted(f.Last)
	if loaded := f.Slots[slot]; loaded != nil {
		s.live, s.dead = loaded.Live, loaded.Dead
	}
	q.bySlot[slot] = s
	return s
}

// alive has the bits of those that messages are kept for. The caller holds mu.
func (q *Queue) alive() (slots uint64) {
	for _, s := range q.bySlot {
		if s != nil && !s.gone {
			slots |= s.bit()
		}
	}
	return slots
}

// slotsOf turns the bits of configured subscriptions, by their number, into those of their slots;
// 0 stands for all of them.
func (q *Queue) slotsOf(to uint64) (slots uint64) {
	for i, s := range q.subscriptions {
		if to == 0 || to&(1<<i) != 0 {
			slots |= s.bit()
		}
	}
	return slots
}

// each calls f with each subscription in slots. The caller holds mu.
func (q *Queue) each(slots uint64, f func(s *Subscription)) {
	for ; slots != 0; slots &= slots - 1 {
		if s := q.bySlot[bits.TrailingZeros64(slots)]; s != nil {
			f(s)
		}
	}
}
