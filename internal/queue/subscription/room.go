package subscription

import (
	"errors"
	"fmt"

	"carrier/internal/queue/record"
)

// Why nothing new is stored.
var (
	// ErrFull means that a quota leaves no room; nothing was stored.
	ErrFull = errors.New("queue full")
	// ErrOffline means that all subscriptions the message is for are offline; nothing was stored.
	ErrOffline = errors.New("its subscribers are offline")
)

// A Charge is what a message counts for in the quotas: One for each subscription in Slots, All in the
// file.
type Charge struct {
	Slots    uint64
	One, All int64
}

// RoomFor says whether a message that costs c would be refused: nil, ErrFull or ErrOffline. The caller
// holds Mu.
func (set *Set) RoomFor(c Charge) error { return set.roomFor(c, (*Subscription).canEvict) }

// RoomBeside is RoomFor where nothing may be taken away to make room. The caller holds Mu.
func (set *Set) RoomBeside(c Charge) error {
	return set.roomFor(c, func(*Subscription) bool { return false })
}

func (set *Set) roomFor(c Charge, canEvict func(*Subscription) bool) (err error) {
	if c.Slots == 0 {
		return ErrOffline
	}
	if !fits(set.live, c.All, set.options.MaxMessages, set.options.MaxBytes) {
		if s := set.fullest(); s == nil || !canEvict(s) {
			return ErrFull
		}
	}
	set.each(c.Slots, func(s *Subscription) {
		if !s.fits(c.One) && !canEvict(s) {
			err = fmt.Errorf("%w: subscription %s", ErrFull, s.Name())
		}
	})
	return err
}

// Charge counts a message that is about to be stored. The caller holds Mu.
func (set *Set) Charge(c Charge) {
	set.live.Add(c.All)
	set.each(c.Slots, func(s *Subscription) { s.live.Add(c.One) })
}

// Refund takes back what Charge has counted, for a message that was not stored after all. The caller
// holds Mu.
func (set *Set) Refund(c Charge) {
	set.live.Drop(c.All)
	set.each(c.Slots, func(s *Subscription) { s.live.Drop(c.One) })
}

// Stored is called when a message of a new number was committed, for the subscriptions in slots. Due,
// in Unix nanoseconds, is 0 for at once. The caller holds Mu.
func (set *Set) Stored(slots, seq uint64, due int64, group string) {
	set.each(slots, func(s *Subscription) {
		if due == 0 && group == "" {
			s.schedule.AddPlain(seq)
		} else {
			s.schedule.AddIndexed(seq, due, group)
		}
		s.wakeUp()
	})
}

// Usage is what counts toward the file's quotas, each message once, with what is being stored at this
// moment. It does not read the file.
func (set *Set) Usage() (messages int, bytes int64) {
	set.Mu.Lock()
	defer set.Mu.Unlock()
	return set.live.Messages, set.live.Bytes
}

func (s *Subscription) fits(bytes int64) bool {
	return fits(s.live, bytes, s.options.MaxMessages, s.options.MaxBytes)
}

// canEvict says that messages of s may be taken away to make room, and that there are some which are
// not in flight. The caller holds Mu.
func (s *Subscription) canEvict() bool {
	_, _, inFlight := s.schedule.Counts()
	if s.options.Full == Refuse || s.live.Messages <= inFlight {
		return false
	}
	return s.options.Full == DropThem || s.set.roomForDead()
}

// roomForDead says whether there may be one dead letter more. The quota of bytes may be passed by
// that one. The caller holds Mu.
func (set *Set) roomForDead() bool {
	u := set.dead
	u.Add(1)
	return set.options.DeadFull == DropOldest || set.options.deadFits(u)
}

// fullest is the subscription that most messages wait for: the one that makes room where the file is
// full. The caller holds Mu.
func (set *Set) fullest() (fullest *Subscription) {
	for _, s := range set.configured {
		if fullest == nil || s.live.Messages > fullest.live.Messages {
			fullest = s
		}
	}
	return fullest
}

// EvictForRoom queues what makes room for a message to slots that was just charged. The caller holds
// Mu.
func (set *Set) EvictForRoom(slots uint64) {
	if !set.within(set.live) {
		if s := set.fullest(); s.options.Full != Refuse {
			s.evict(&evictOp{sub: s, how: s.options.Full, why: fullReason})
		}
	}
	set.each(slots, func(s *Subscription) {
		if s.options.Full != Refuse && !s.within(s.live) {
			s.evict(&evictOp{sub: s, how: s.options.Full, why: fullReason})
		}
	})
}

func (set *Set) within(u record.Usage) bool {
	return within(u, set.options.MaxMessages, set.options.MaxBytes)
}

func (s *Subscription) within(u record.Usage) bool {
	return within(u, s.options.MaxMessages, s.options.MaxBytes)
}
