// Package queue is the store behind the benchmark's servers: one queue with leases and
// receive counts that are kept honestly, and books that say what became of every message.
package queue

import (
	"crypto/md5" //nolint:gosec // the checksum that SQS gives with a body
	"sync"
	"time"

	"carrier/bench/load"
)

// A Queue is one standard queue. A message is its number: the n-th that was put is
// entry n. Times are nanoseconds since the epoch. All methods are safe for concurrent use.
type Queue struct {
	now  func() int64
	rest []byte // what follows the head of every body

	mu      sync.Mutex
	entries []entry
	ready   []uint32 // visible, in the order in which they became so
	taken   int      // how many of ready are gone
	leases  leases
	waiting []chan struct{} // one for each open poll, the oldest first
	counts  Counts
}

type state uint8

const (
	visible state = iota
	inFlight
	deleted
)

type entry struct {
	Sent, First int64
	until       int64 // when its lease ends
	Sum         [md5.Size]byte
	Received    uint32
	state       state
}

// Counts are the queue's books. A message is in exactly one of Visible, InFlight and
// Deleted; the other figures count events.
type Counts struct {
	Put      int `json:"put"`
	Visible  int `json:"visible"`
	InFlight int `json:"in_flight"`
	Deleted  int `json:"deleted"`

	Received     int `json:"received"`      // handed out, again or not
	DeletedAgain int `json:"deleted_again"` // deletes of what was deleted before
	DeletedLate  int `json:"deleted_late"`  // deletes after the lease, or with an older handle
	Expired      int `json:"expired"`       // leases that ran out
	GivenBack    int `json:"given_back"`    // made visible immediately
	Deferred     int `json:"deferred"`      // made visible later: extended or deferred
	Refused      int `json:"refused"`       // changes of what is not in flight
}

// New makes an empty queue of bodies of size bytes; now is the clock, in nanoseconds since
// the epoch.
func New(size int, now func() int64) *Queue {
	return &Queue{now: now, rest: load.Rest(size)}
}

// Put adds n messages, sent now.
func (q *Queue) Put(n int) {
	now := q.now()
	added := make([]entry, n)
	q.mu.Lock()
	first := len(q.entries)
	q.mu.Unlock()
	// Checksums are made outside the lock: a million of them take a while. Only one
	// caller puts at a time.
	hash := md5.New() //nolint:gosec // see above
	var head []byte
	for i := range added {
		head = load.AppendHead(head[:0], uint64(first+i), now) //nolint:gosec // an index
		hash.Reset()
		_, _ = hash.Write(head)
		_, _ = hash.Write(q.rest)
		added[i].Sent = now
		hash.Sum(added[i].Sum[:0])
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.entries = append(q.entries, added...)
	for i := range added {
		q.ready = append(q.ready, uint32(first+i)) //nolint:gosec // fewer than four thousand million
	}
	q.counts.Put += n
	q.counts.Visible += n
	q.wake(n)
}

// A Received is a message as one receive gives it away.
type Received struct {
	entry
	N uint32 // the message's number
}

// Take hands out up to limit visible messages under a lease, into batch.
func (q *Queue) Take(batch []Received, limit int, lease time.Duration) []Received {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.expire(now)
	for len(batch) < limit && q.taken < len(q.ready) {
		n := q.ready[q.taken]
		q.taken++
		e := &q.entries[n]
		if e.state != visible {
			continue // deleted with an older handle
		}
		e.state, e.until = inFlight, now+int64(lease)
		e.Received++
		if e.First == 0 {
			e.First = now
		}
		q.leases.push(expiry{e.until, n})
		q.counts.Visible--
		q.counts.InFlight++
		q.counts.Received++
		batch = append(batch, Received{*e, n})
	}
	if q.taken == len(q.ready) {
		q.ready, q.taken = q.ready[:0], 0
	}
	return batch
}

// Remove deletes message n, handed out for the received-th time.
func (q *Queue) Remove(n, received uint32) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if int(n) >= len(q.entries) {
		return false
	}
	e := &q.entries[n]
	switch e.state {
	case deleted:
		q.counts.DeletedAgain++
		return true // as SQS does
	case visible:
		q.counts.DeletedLate++
		q.counts.Visible--
	case inFlight:
		if e.Received != received || e.until <= q.now() {
			q.counts.DeletedLate++
		}
		q.counts.InFlight--
	}
	e.state = deleted
	q.counts.Deleted++
	return true
}

// Change sets the lease of message n to end after d.
func (q *Queue) Change(n, received uint32, d time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.expire(now)
	if int(n) >= len(q.entries) || q.entries[n].state != inFlight || q.entries[n].Received != received {
		q.counts.Refused++
		return false
	}
	e := &q.entries[n]
	if d == 0 {
		q.counts.GivenBack++
		q.show(n)
		return true
	}
	q.counts.Deferred++
	e.until = now + int64(d)
	q.leases.push(expiry{e.until, n})
	return true
}

// expire makes visible what is in flight for longer than its lease.
func (q *Queue) expire(now int64) {
	for len(q.leases) > 0 && q.leases[0].at <= now {
		x := q.leases.pop()
		if e := &q.entries[x.n]; e.state == inFlight && e.until == x.at {
			q.counts.Expired++
			q.show(x.n)
		}
	}
}

func (q *Queue) show(n uint32) {
	q.entries[n].state = visible
	q.ready = append(q.ready, n)
	q.counts.InFlight--
	q.counts.Visible++
	q.wake(1)
}

// Stats returns the books as they stand.
func (q *Queue) Stats() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire(q.now())
	return q.counts
}

// Body appends the body of a message.
func (q *Queue) Body(b []byte, m Received) []byte {
	return append(load.AppendHead(b, uint64(m.N), m.Sent), q.rest...)
}

// Rest returns what follows the head of every body.
func (q *Queue) Rest() []byte { return q.rest }
