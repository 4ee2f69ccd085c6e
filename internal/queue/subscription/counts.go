package subscription

import (
	"time"

	"carrier/internal/queue/record"
	"carrier/internal/queue/store"
)

// Counts are what a subscription has at one moment.
type Counts struct {
	// Messages and Bytes count toward MaxMessages and MaxBytes; both include what is being
	// stored at this moment.
	Messages int
	Bytes    int64
	// Ready counts messages that are due, with those that wait behind another one of their
	// group; Delayed those whose producer asked for a later time that has not come; BackingOff
	// those that were given back with a delay; InFlight those under a lease.
	Ready, Delayed, BackingOff, InFlight int
	// Oldest is when the oldest message that is due was stored, or became due for the first
	// time; the zero time when there is none. Messages behind a thousand delayed ones are not
	// looked at.
	Oldest time.Time
	// DeadMessages and DeadBytes are the dead letters that are kept, DeadDropped counts those
	// that were dropped since the start for want of room.
	DeadMessages int
	DeadBytes    int64
	DeadDropped  uint64
	// Evicted counts messages that were taken away since the start, since there was no room for them
	// or the subscription was offline.
	Evicted uint64
	// EvictedDead are those of them that were made dead letters.
	EvictedDead uint64
	// Offline says that nothing is stored for the subscription.
	Offline bool
	// SetAside counts damaged messages, of all subscriptions, that are kept in the file and not
	// delivered.
	SetAside int
}

// Counts returns what s has. For the oldest message it reads the file.
func (s *Subscription) Counts() Counts {
	c := s.countsInMemory()
	c.Oldest = s.oldest()
	return c
}

func (s *Subscription) countsInMemory() Counts {
	s.set.Mu.Lock()
	defer s.set.Mu.Unlock()
	delayed, backingOff, inFlight := s.schedule.Counts()
	return Counts{
		Messages: s.live.Messages, Bytes: s.live.Bytes,
		Ready:   max(0, s.live.Messages-delayed-backingOff-inFlight),
		Delayed: delayed, BackingOff: backingOff, InFlight: inFlight,
		DeadMessages: s.dead.Messages, DeadBytes: s.dead.Bytes, DeadDropped: s.deadDropped,
		Evicted: s.evicted, EvictedDead: s.evictedDead, Offline: s.offline, SetAside: s.set.setAside,
	}
}

// oldestMax is how many messages are passed over in search of the oldest one that is due.
const oldestMax = 10_000

// oldest looks for it where nothing was passed over before for good: what another subscription alone
// waits for is looked at once.
func (s *Subscription) oldest() time.Time {
	now := time.Now().UnixNano()
	var oldest int64
	due := func(e record.Envelope) bool { return e.Due <= now }
	_ = s.set.View(func(b store.Buckets) error {
		for i, in := range []record.Bucket{record.Plain, record.Indexed} {
			s.set.Mu.Lock()
			from := s.passed[i]
			s.set.Mu.Unlock()
			e, until, found := b.FirstPending(in, from, s.slot, oldestMax, due)
			s.set.Mu.Lock()
			s.passed[i] = max(s.passed[i], until)
			s.set.Mu.Unlock()
			if since := max(e.Stored, e.Due); found && (oldest == 0 || since < oldest) {
				oldest = since
			}
		}
		return nil
	})
	if oldest == 0 {
		return time.Time{}
	}
	return time.Unix(0, oldest)
}
