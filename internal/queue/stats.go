package queue

import "time"

// Stats are what a queue holds.
type Stats struct {
	// Messages are waiting or in hand, and Bytes is what they cost; both include what is
	// being stored at this moment.
	Messages int
	Bytes    int64
	// InHand counts messages under a lease.
	InHand int
	// Delayed counts those that are not due yet, as far as they are at the head of their group.
	Delayed int
	// DeadLetters and DeadBytes are kept apart.
	DeadLetters int
	DeadBytes   int64
	// SetAside counts damaged messages.
	SetAside int
}

// Stats returns what the queue holds. It does not touch the disk.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Stats{
		Messages: q.live.messages, Bytes: q.live.bytes,
		InHand: len(q.schedule.leased.items), Delayed: len(q.schedule.delayed.items),
		DeadLetters: q.dead.messages, DeadBytes: q.dead.bytes, SetAside: q.aside,
	}
}

// Oldest says when the oldest message that is waiting or in hand was stored; the zero
// time when there is none, or it cannot be read. It reads the file.
func (q *Queue) Oldest() time.Time {
	var oldest time.Time
	_ = q.view(func(b buckets) error {
		for _, c := range []interface{ First() ([]byte, []byte) }{b.plain.Cursor(), b.indexed.Cursor()} {
			_, v := c.First()
			r, err := parseRecord(v)
			if err != nil {
				continue
			}
			if stored := time.Unix(0, r.stored); oldest.IsZero() || stored.Before(oldest) {
				oldest = stored
			}
		}
		return nil
	})
	return oldest
}
