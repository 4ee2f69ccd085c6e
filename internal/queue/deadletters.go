package queue

import (
	"bytes"
	"encoding/hex"
	"time"
)

// A DeadLetter is a message that was given up.
type DeadLetter struct {
	Death
	// At is when it was given up, Stored when it was put.
	At, Stored time.Time
	ID, Group  string
	Head, Body []byte
}

// DeadLetters returns up to limit dead letters, in the order in which they were put. One
// that is damaged is left out and reported.
func (q *Queue) DeadLetters(limit int) ([]DeadLetter, error) {
	var all []DeadLetter
	err := q.view(func(b buckets) error {
		c := b.dead.Cursor()
		for k, v := c.First(); k != nil && len(all) < limit; k, v = c.Next() {
			why, at, r, err := decodeDead(bytes.Clone(v))
			if err != nil {
				q.options.Report(ValueIgnored, err)
				continue
			}
			all = append(all, DeadLetter{
				Death: why, At: at, Stored: time.Unix(0, r.stored),
				ID: hex.EncodeToString(r.id[:]), Group: r.group, Head: r.head, Body: r.body,
			})
		}
		return nil
	})
	return all, err
}
