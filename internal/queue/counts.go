package queue

import (
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/record"
)

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

// Usage is what counts toward MaxMessages and MaxBytes, with what is being stored at this moment.
// It does not read the file.
func (q *Queue) Usage() (messages int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.live.Messages, q.live.Bytes
}

// Counts returns what the queue holds. For the oldest message it reads the file.
func (q *Queue) Counts() Counts {
	c := q.countsInMemory()
	c.Oldest = q.oldest()
	return c
}

func (q *Queue) countsInMemory() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	delayed, backingOff, inFlight := q.schedule.Counts()
	return Counts{
		Messages: q.live.Messages, Bytes: q.live.Bytes,
		Ready:   max(0, q.live.Messages-delayed-backingOff-inFlight),
		Delayed: delayed, BackingOff: backingOff, InFlight: inFlight,
		DeadMessages: q.dead.Messages, DeadBytes: q.dead.Bytes, DeadDropped: q.deadDropped,
		SetAside: q.setAside,
	}
}

// oldestMax is how many delayed messages are passed over in search of the oldest one.
const oldestMax = 1000

func (q *Queue) oldest() time.Time {
	now := time.Now().UnixNano()
	var oldest int64
	_ = q.view(func(b buckets) error {
		for _, c := range []*bbolt.Cursor{b[record.Plain].Cursor(), b[record.Indexed].Cursor()} {
			if since := firstDue(c, now); since > 0 && (oldest == 0 || since < oldest) {
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

// firstDue is when the first message at c that is due was stored or became due, in Unix
// nanoseconds; 0 where there is none.
func firstDue(c *bbolt.Cursor, now int64) int64 {
	k, v := c.First()
	for range oldestMax {
		if k == nil {
			return 0
		}
		if e, err := record.ParseEnvelope(v, len(v)); err == nil && e.Due <= now {
			return max(e.Stored, e.Due)
		}
		k, v = c.Next()
	}
	return 0
}
