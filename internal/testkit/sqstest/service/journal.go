package service

import (
	"maps"
	"slices"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// A Receive is one ReceiveMessage call, as it was asked and as it ended.
type Receive struct {
	At   time.Time
	Call int
	// Max is MaxNumberOfMessages as it was asked; 1 where it was not.
	Max int
	// VisibilityTimeout and WaitTime are in seconds; -1 where they were not asked.
	VisibilityTimeout, WaitTime int
	// Ended is when the call was done; zero while it waits, and where it failed.
	Ended time.Time
	// IDs are the messages handed out, in order.
	IDs []string
}

// A Deletion is one message's deletion, alone or as an entry of a batch.
type Deletion struct {
	At time.Time
	// Op and Call name the call, Index the entry's place in it, from 0.
	Op          string
	Call, Index int
	// MessageID is the message whose handle it was; empty for no handle of the queue's.
	MessageID string
	// Removed says that the message was there and is not any more.
	Removed bool
	// Code is the error it was answered with; empty for success.
	Code string
}

// A VisibilityChange is one message's change, alone or as an entry of a batch.
type VisibilityChange struct {
	At          time.Time
	Op          string
	Call, Index int
	MessageID   string
	// Seconds is the timeout that was asked for; -1 where there was none.
	Seconds int
	Code    string
}

type journal struct {
	receives  []*Receive
	deletions []Deletion
	changes   []VisibilityChange
	handed    map[string]int
}

func (j *journal) beginReceive(c *Call, in *shapes.ReceiveMessageIn, now time.Time) *Receive {
	r := &Receive{
		At: now, Call: c.N, Max: valueOr(in.MaxNumberOfMessages, 1),
		VisibilityTimeout: valueOr(in.VisibilityTimeout, -1), WaitTime: valueOr(in.WaitTimeSeconds, -1),
	}
	j.receives = append(j.receives, r)
	return r
}

func valueOr(given *int, unset int) int {
	if given == nil {
		return unset
	}
	return *given
}

func (r *Receive) done(now time.Time, messages []shapes.Received) {
	r.Ended = now
	for _, m := range messages {
		r.IDs = append(r.IDs, m.MessageID)
	}
}

func (j *journal) handedOut(id string) {
	if j.handed == nil {
		j.handed = map[string]int{}
	}
	j.handed[id]++
}

// Receives returns every receive of the queue, in the order they came in.
func (q *Queue) Receives() []Receive {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	out := make([]Receive, len(q.journal.receives))
	for i, r := range q.journal.receives {
		out[i] = *r
		out[i].IDs = slices.Clone(r.IDs)
	}
	return out
}

// Deletions returns every deletion that was asked for, in order.
func (q *Queue) Deletions() []Deletion {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	return slices.Clone(q.journal.deletions)
}

// VisibilityChanges returns every change that was asked for, in order.
func (q *Queue) VisibilityChanges() []VisibilityChange {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	return slices.Clone(q.journal.changes)
}

// HandedOut returns how often the queue handed out each message, by id; also those
// that are gone since.
func (q *Queue) HandedOut() map[string]int {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	return maps.Clone(q.journal.handed)
}
