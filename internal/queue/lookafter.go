package queue

import (
	"fmt"
	"time"

	"carrier/internal/queue/record"
)

// all are the subscriptions that messages are kept for, configured ones and removed ones. The caller
// holds mu.
func (q *Queue) all() (all []*Subscription) {
	for _, s := range q.bySlot {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// lookAfterSubscriptions does what time does to them. The caller holds mu.
func (q *Queue) lookAfterSubscriptions(now time.Time) {
	if q.usable() != nil {
		return
	}
	for _, s := range q.subscriptions {
		s.tellNearlyFull()
		s.lookForSuccess(now)
	}
	for i, entry := range q.table {
		if entry.State == record.Removed && q.options.RemovedKeep > 0 && now.Sub(time.Unix(0, entry.Since)) >= q.options.RemovedKeep {
			q.endSubscription(i)
		}
	}
}

// Shares of a quota at which it is told that little room is left, and that there is room again.
const (
	nearlyFullAt = 0.8
	roomAgainAt  = 0.7
)

// tellNearlyFull warns where producers will soon be refused. The caller holds mu.
func (s *Subscription) tellNearlyFull() {
	share := 0.0
	if s.options.MaxMessages > 0 {
		share = float64(s.live.Messages) / float64(s.options.MaxMessages)
	}
	if s.options.MaxBytes > 0 {
		share = max(share, float64(s.live.Bytes)/float64(s.options.MaxBytes))
	}
	switch {
	case s.options.Full != Refuse:
	case !s.nearlyFull && share >= nearlyFullAt:
		s.nearlyFull = true
		s.options.Warn(fmt.Sprintf("subscription %s has used %.0f %% of its quota (%d messages, %d bytes); when it is full, producers are refused",
			s.name(), 100*share, s.live.Messages, s.live.Bytes))
	case s.nearlyFull && share <= roomAgainAt:
		s.nearlyFull = false
		s.options.Warn(fmt.Sprintf("subscription %s has room again: %.0f %% of its quota is used", s.name(), 100*share))
	}
}

// lookForSuccess takes a subscription offline that has had no success for too long, and takes away
// what it has. The caller holds mu.
func (s *Subscription) lookForSuccess(now time.Time) {
	delayed, _, inFlight := s.schedule.Counts()
	waiting := s.live.Messages - inFlight
	switch {
	case s.options.OfflineLimit <= 0:
	case s.offline:
		if waiting > 0 && !s.evicting {
			s.evict(&evictOp{sub: s, how: s.options.OfflineAction, why: offlineReason, all: true, most: waiting})
		}
	case s.live.Messages <= delayed:
		s.unsuccessful = time.Time{}
	case s.unsuccessful.IsZero():
		s.unsuccessful = now
	case now.Sub(s.unsuccessful) >= s.options.OfflineLimit:
		s.offline = true
		s.queue.accepting.Store(s.queue.accepting.Load() &^ s.bit())
		s.options.Warn(fmt.Sprintf("subscription %s is offline: no message was delivered for %v; its %d messages are %s, and nothing is stored for it until its worker is found up",
			s.name(), s.options.OfflineLimit, s.live.Messages, s.options.OfflineAction.done()))
	}
}

const offlineReason = "subscription offline"

// Online says that s's worker was found up: from now on messages are stored for it again, if they
// were not.
func (s *Subscription) Online() {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	if !s.offline {
		return
	}
	s.offline, s.unsuccessful = false, time.Time{}
	s.queue.accepting.Store(s.queue.accepting.Load() | s.bit())
	s.options.Warn(fmt.Sprintf("subscription %s is online again: messages are stored for it from now on", s.name()))
}
