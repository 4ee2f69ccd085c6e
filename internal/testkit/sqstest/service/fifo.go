package service

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// dedupWindow is how long a deduplication id is remembered, also when its message
// has long been deleted.
const dedupWindow = 5 * time.Minute

type dedupEntry struct {
	id, sequence string
	until        time.Time
}

// checkOrder returns what is wrong with in's group, deduplication id and delay.
func (q *Queue) checkOrder(in *shapes.Outgoing) *shapes.Error {
	if !q.fifo() {
		// A standard queue takes a group too: it is for fair queues, and orders nothing.
		if in.MessageDeduplicationID != "" {
			return shapes.NotForThisQueue(in.MessageDeduplicationID, "MessageDeduplicationId")
		}
		return nil
	}
	if in.MessageGroupID == "" {
		return shapes.MissingParameter("MessageGroupId")
	}
	if in.MessageDeduplicationID == "" && q.attrs["ContentBasedDeduplication"] != "true" {
		return shapes.InvalidParameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	if in.DelaySeconds != nil && *in.DelaySeconds != 0 {
		return shapes.NotForThisQueue(*in.DelaySeconds, "DelaySeconds")
	}
	return nil
}

// admit gives m its place in the order and reports true, or, when it was sent before,
// gives it the id and place of the first one and reports false.
func (q *Queue) admit(in *shapes.Outgoing, m *stored) bool {
	m.dedupID = in.MessageDeduplicationID
	if m.dedupID == "" {
		sum := sha256.Sum256([]byte(in.MessageBody))
		m.dedupID = hex.EncodeToString(sum[:])
	}
	key := m.dedupID
	if q.attrs["DeduplicationScope"] == "messageGroup" {
		key = m.group + "\x00" + key
	}
	if before, ok := q.dedup[key]; ok && m.sent.Before(before.until) {
		m.id, m.sequence = before.id, before.sequence
		return false
	}
	q.sequence++
	m.sequence = sequenceNumber(q.sequence)
	q.dedup[key] = dedupEntry{id: m.id, sequence: m.sequence, until: m.sent.Add(dedupWindow)}
	return true
}

// busyGroups returns the groups of which a message is in flight: no receive gets
// another one of these. On a standard queue there are none.
func (q *Queue) busyGroups(now time.Time) map[string]bool {
	busy := map[string]bool{}
	if !q.fifo() {
		return busy
	}
	q.each(func(m *stored) bool {
		if m.inFlight(now) {
			busy[m.group] = true
		}
		return true
	})
	return busy
}
