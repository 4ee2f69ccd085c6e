package subscription

import (
	"fmt"
	"time"
)

// LookAfter is called from time to time. It forgets idempotency keys whose time is over, takes
// subscriptions offline, and reports what had to make room. The caller holds Mu.
func (set *Set) LookAfter(now time.Time) {
	set.forgetExpired(now)
	if set.Usable() == nil {
		for _, s := range set.configured {
			s.tellNearlyFull()
			s.lookForSuccess(now)
		}
	}
	set.reportEvicted(now)
}

// forgetExpired queues a commit that forgets keys, where there are any to be forgotten and no
// other commit is under way. The caller holds Mu.
func (set *Set) forgetExpired(now time.Time) {
	if set.Usable() == nil && !set.commits.Waiting() && set.nextExpiry != 0 && set.nextExpiry <= now.UnixNano() {
		set.Enqueue(forgetOp{}, 0)
	}
}

// A forgetOp is for when nothing else is committed: while no put comes, or all are refused.
type forgetOp struct{}

// Idle says that it is never idle.
func (forgetOp) Idle() bool { return false }

// Write forgets keys.
func (forgetOp) Write(t *Tx) error {
	t.ForgetMany()
	return nil
}

// Apply goes on where there are more.
func (forgetOp) Apply(set *Set) { set.forgetExpired(time.Now()) }

// Shares of a quota at which it is told that little room is left, and that there is room again.
const (
	nearlyFullAt = 0.8
	roomAgainAt  = 0.7
)

// tellNearlyFull warns where producers will soon be refused. The caller holds Mu.
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
			s.Name(), 100*share, s.live.Messages, s.live.Bytes))
	case s.nearlyFull && share <= roomAgainAt:
		s.nearlyFull = false
		s.options.Warn(fmt.Sprintf("subscription %s has room again: %.0f %% of its quota is used", s.Name(), 100*share))
	}
}

// lookForSuccess takes a subscription offline that has had no success for too long, and takes away
// what it has. The caller holds Mu.
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
		s.set.accepting.Store(s.set.accepting.Load() &^ s.bit())
		s.options.Warn(fmt.Sprintf("subscription %s is offline: no message was delivered for %v; its %d messages are %s, and nothing is stored for it until its worker is found up",
			s.Name(), s.options.OfflineLimit, s.live.Messages, s.options.OfflineAction.done()))
	}
}

const offlineReason = "subscription offline"

// Online says that s's worker was found up: from now on messages are stored for it again, if they
// were not.
func (s *Subscription) Online() {
	s.set.Mu.Lock()
	defer s.set.Mu.Unlock()
	if !s.offline {
		return
	}
	s.offline, s.unsuccessful = false, time.Time{}
	s.set.accepting.Store(s.set.accepting.Load() | s.bit())
	s.options.Warn(fmt.Sprintf("subscription %s is online again: messages are stored for it from now on", s.Name()))
}
