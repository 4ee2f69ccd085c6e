package service

import (
	"container/list"
	"strings"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// A Queue is one queue of the server. Its exported methods are safe for concurrent
// use; the others are for those who hold the service's lock.
type Queue struct {
	s        *Service
	name     string
	attrs    map[string]string
	created  time.Time
	modified time.Time
	purged   time.Time
	gone     bool

	messages *list.List // of *stored, in the order they were sent
	byID     map[string]*list.Element
	dedup    map[string]dedupEntry
	sequence int64
	changed  chan struct{} // closed and replaced whenever a poll should look again

	journal journal
}

// A stored message. Its state is all in its times: it is in flight while it was
// handed out by this queue and hidden, delayed while it was not and is.
type stored struct {
	id, body   string
	attributes map[string]shapes.Attribute
	trace      string
	group      string
	dedupID    string
	sequence   string
	origin     string // ARN of the queue it was redriven from

	sent          time.Time
	hiddenUntil   time.Time
	firstReceived time.Time
	lastReceived  time.Time
	receives      int // over all queues, as the service counts
	here          int // of these, from the queue it is in
	serial        int64
}

func (s *Service) newQueue(name string, attrs map[string]string) *Queue {
	return &Queue{
		s: s, name: name, attrs: attrs, created: s.now(), modified: s.now(),
		messages: list.New(), byID: map[string]*list.Element{},
		dedup: map[string]dedupEntry{}, changed: make(chan struct{}),
	}
}

func (q *Queue) fifo() bool { return strings.HasSuffix(q.name, ".fifo") }

func (q *Queue) arn() string {
	return "arn:aws:sqs:" + q.s.options.Region + ":" + q.s.options.Account + ":" + q.name
}

// wake makes every poll look again.
func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *Queue) add(m *stored) {
	q.byID[m.id] = q.messages.PushBack(m)
	q.wake()
}

func (q *Queue) remove(m *stored) {
	q.messages.Remove(q.byID[m.id])
	delete(q.byID, m.id)
	q.wake() // the next of its group may be free now
}

func (q *Queue) find(id string) (*stored, bool) {
	e, ok := q.byID[id]
	if !ok {
		return nil, false
	}
	return e.Value.(*stored), true
}

// clear drops every message.
func (q *Queue) clear() {
	q.messages.Init()
	clear(q.byID)
}

// each calls do with every message in order, until it returns false. do may remove
// the message it is called with.
func (q *Queue) each(do func(*stored) bool) {
	for e := q.messages.Front(); e != nil; {
		next := e.Next()
		if !do(e.Value.(*stored)) {
			return
		}
		e = next
	}
}

func (m *stored) hidden(now time.Time) bool   { return m.hiddenUntil.After(now) }
func (m *stored) inFlight(now time.Time) bool { return m.here > 0 && m.hidden(now) }
func (m *stored) delayed(now time.Time) bool  { return m.here == 0 && m.hidden(now) }
