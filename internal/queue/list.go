package queue

import (
	"time"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
)

// A Listed is what there is to know of one subscription.
type Listed struct {
	Name, Pattern string
	// State is active, offline, removed or dropping. Since is when it was removed.
	State string
	Since time.Time
	// Waiting and Bytes are what it waits for or has in flight.
	Waiting int
	Bytes   int64
	// Oldest is when the oldest message that is due was stored or became due.
	Oldest time.Time
	Dead   int
}

// List returns all subscriptions, in the order of their slots.
func (q *Queue) List() []Listed {
	q.set.Mu.Lock()
	table, all := q.table, make([]*Subscription, record.MaxSubscriptions)
	for _, entry := range table {
		all[entry.Slot] = q.set.At(entry.Slot)
	}
	q.set.Mu.Unlock()
	listed := make([]Listed, 0, len(table))
	for _, entry := range table {
		l := newListed(entry)
		if s := all[entry.Slot]; s != nil {
			c := s.Counts()
			if l.Waiting, l.Bytes, l.Oldest, l.Dead = c.Messages, c.Bytes, c.Oldest, c.DeadMessages; c.Offline {
				l.State = "offline"
			}
		}
		listed = append(listed, l)
	}
	return listed
}

func newListed(s record.Subscription) Listed {
	l := Listed{Name: s.Name, Pattern: s.Pattern, State: s.State.String()}
	if s.State == record.Removed {
		l.Since = time.Unix(0, s.Since)
	}
	return l
}

// ListOf is List of a file that no carrier runs on.
func ListOf(f *queuefile.Loaded) []Listed {
	listed := make([]Listed, 0, len(f.Table))
	for _, entry := range f.Table {
		l := newListed(entry)
		s := f.Slots[entry.Slot]
		if l.Waiting, l.Bytes, l.Dead = s.Live.Messages, s.Live.Bytes, s.Dead.Messages; s.Oldest > 0 {
			l.Oldest = time.Unix(0, s.Oldest)
		}
		listed = append(listed, l)
	}
	return listed
}
