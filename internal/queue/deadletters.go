package queue

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// A Reason says why a message became a dead letter.
type Reason struct {
	Text string
	// Status is the worker's HTTP status; 0 when there was none.
	Status int
	// Attempts is how often the message was handed out.
	Attempts int
}

// deadValue is the value of a dead letter: when, why, and the message's own value.
func deadValue(d Reason, at time.Time, value []byte) []byte {
	b := make([]byte, valueHead, valueHead+8+3*binary.MaxVarintLen64+len(d.Text)+len(value))
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixNano()))
	b = binary.AppendUvarint(b, uint64(max(0, d.Status)))
	b = binary.AppendUvarint(b, uint64(max(0, d.Attempts)))
	b = appendBytes(b, []byte(d.Text))
	return seal(append(b, value...))
}

// decodeDead checks b and reads it.
func decodeDead(b []byte) (d Reason, at time.Time, r record, err error) {
	if _, err := unseal(b); err != nil {
		return d, at, r, err
	}
	d, at, value, err := parseDead(b)
	if err == nil {
		r, err = decodeRecord(value)
	}
	return d, at, r, err
}

// parseDead reads b without its checksum, and leaves the message's own value as it is.
func parseDead(b []byte) (d Reason, at time.Time, value []byte, err error) {
	if len(b) < valueHead+8 || b[4] != valueVersion {
		return d, at, nil, fmt.Errorf("%w: no dead letter", errValue)
	}
	p := b[valueHead:]
	at = time.Unix(0, int64(binary.BigEndian.Uint64(p)))
	status, p, ok1 := cutNumber(p[8:])
	attempts, p, ok2 := cutNumber(p)
	reason, value, ok3 := cutBytes(p)
	if !ok1 || !ok2 || !ok3 {
		return d, at, nil, fmt.Errorf("%w: no dead letter", errValue)
	}
	return Reason{Text: string(reason), Status: status, Attempts: attempts}, at, value, nil
}

// A DeadLetter is a message that was given up.
type DeadLetter struct {
	Reason
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
				Reason: why, At: at, Stored: time.Unix(0, r.stored),
				ID: hex.EncodeToString(r.id[:]), Group: r.group, Head: r.head, Body: r.body,
			})
		}
		return nil
	})
	return all, err
}
