package subscription

import (
	"cmp"
	"sync"
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
)

// A Subscription gets messages of the queue. Its methods are safe for concurrent use.
type Subscription struct {
	set     *Set
	slot    int
	options Options

	receiving sync.Mutex // held by the one who moves the schedule's frontier; taken before the set's Mu

	// What follows is guarded by the set's Mu.
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

// wakeUp wakes whoever waits for a message of s. The caller holds Mu.
func (s *Subscription) wakeUp() {
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// waitChannel is closed at the next wakeUp. The caller holds Mu.
func (s *Subscription) waitChannel() <-chan struct{} {
	if s.wake == nil {
		s.wake = make(chan struct{})
	}
	return s.wake
}

// DefaultName is what the subscription without a name is called where one is needed.
const DefaultName = "default"

// Name is that of s for people.
func (s *Subscription) Name() string { return NameOf(s.options.Name) }

// NameOf is what people call the subscription of a name in the file.
func NameOf(stored string) string { return cmp.Or(stored, DefaultName) }

// StoredName is that of s in the file.
func (s *Subscription) StoredName() string { return s.options.Name }

// Usage is what s waits for or has in flight, and what it has of dead letters. The caller holds the
// set's Mu.
func (s *Subscription) Usage() (live, dead record.Usage) { return s.live, s.dead }

// Retire takes s, which is not configured any more, out of those that messages are kept for. The
// caller holds the set's Mu.
func (s *Subscription) Retire() { s.gone = true }

// Retired is called when nothing is left of it, once.
func (s *Subscription) Retired() { close(s.dropped) }

// Dropped is closed by Retired.
func (s *Subscription) Dropped() <-chan struct{} { return s.dropped }

// Holds reports whether a message of group is stored for s and not removed yet.
func (s *Subscription) Holds(group string) bool {
	s.set.Mu.Lock()
	defer s.set.Mu.Unlock()
	return s.schedule.Holds(group)
}
