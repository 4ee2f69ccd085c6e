package queue

import "time"

// Counts are what a queue holds at one moment.
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
	// SetAside counts damaged messages that are kept in the file and not delivered.
	SetAside int
}

// Usage is what counts toward MaxMessages and MaxBytes, with what is being stored at this
// moment. It does not touch the file.
func (q *Queue) Usage() (messages int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.live.messages, q.live.bytes
}

// Counts returns what the queue holds. For the oldest message it reads the file.
func (q *Queue) Counts() Counts {
	c := q.counts()
	c.Oldest = q.oldest()
	return c
}

func (q *Queue) counts() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	delayed, backingOff := 0, 0
	for _, it := range q.schedule.delayed.items {
		if it.count > 0 {
			backingOff++
		} else {
			delayed++
		}
	}
	inFlight := len(q.schedule.leased.items)
	return Counts{
		Messages: q.live.messages, Bytes: q.live.bytes,
		Ready:   max(0, q.live.messages-delayed-backingOff-inFlight),
		Delayed: delayed, BackingOff: backingOff, InFlight: inFlight,
		DeadMessages: q.dead.messages, DeadBytes: q.dead.bytes, SetAside: q.aside,
	}
}

// oldestMax is how many delayed messages are passed over in search of the oldest one.
const oldestMax = 1000

func (q *Queue) oldest() time.Time {
	now := time.Now().UnixNano()
	var oldest int64
	_ = q.view(func(b buckets) error {
		for _, bucket := range []cursor{b.plain.Cursor(), b.indexed.Cursor()} {
			if since := firstDue(bucket, now); since > 0 && (oldest == 0 || since < oldest) {
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

type cursor interface {
	First() (key, value []byte)
	Next() (key, value []byte)
}

// firstDue is when the first message at c that is due was stored or became due, as Unix
// nanoseconds; 0 where there is none.
func firstDue(c cursor, now int64) int64 {
	k, v := c.First()
	for range oldestMax {
		if k == nil {
			return 0
		}
		if r, err := parseRecord(v); err == nil && r.due <= now {
			return max(r.stored, r.due)
		}
		k, v = c.Next()
	}
	return 0
}
