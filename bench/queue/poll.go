package queue

import (
	"slices"
	"time"
)

// A Poll is one receive that waits.
type Poll struct {
	Limit       int
	Lease, Wait time.Duration
	// Gone reports that the caller has hung up: nothing is handed to it then.
	Gone func() bool
}

// Receive hands out messages, waiting for the first as long as p allows. The oldest
// open poll is served first.
func (q *Queue) Receive(batch []Received, p Poll) []Received {
	batch = q.Take(batch, p.Limit, p.Lease)
	if len(batch) > 0 || p.Wait <= 0 {
		return batch
	}
	end := q.now() + int64(p.Wait)
	for {
		woken := make(chan struct{}, 1)
		timer := time.NewTimer(q.enter(woken, end))
		select {
		case <-woken:
		case <-timer.C:
		}
		timer.Stop()
		q.leave(woken)
		if p.Gone() {
			q.pass()
			return batch
		}
		if batch = q.Take(batch, p.Limit, p.Lease); len(batch) > 0 || q.now() >= end {
			return batch
		}
	}
}

// enter joins the open polls, and returns how long to wait at most: until end, or
// until a lease ends.
func (q *Queue) enter(woken chan struct{}, end int64) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, woken)
	now := q.now()
	q.expire(now)
	if q.taken < len(q.ready) {
		q.wake(1)
	}
	if len(q.leases) > 0 {
		end = min(end, q.leases[0].at)
	}
	return time.Duration(max(end-now, 0))
}

func (q *Queue) leave(woken chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, woken); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// pass wakes another poll in place of one that left what it was woken for.
func (q *Queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken < len(q.ready) {
		q.wake(1)
	}
}

// wake wakes up to n open polls. The lock is held.
func (q *Queue) wake(n int) {
	n = min(n, len(q.waiting))
	for _, woken := range q.waiting[:n] {
		woken <- struct{}{}
	}
	q.waiting = slices.Delete(q.waiting, 0, n)
}

// Waiting is how many polls are open.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
