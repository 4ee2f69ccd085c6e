package main

import (
	"slices"
	"time"
)

// A poll is one ReceiveMessage.
type poll struct {
	limit       int
	lease, wait time.Duration
	// gone reports that the caller has hung up: nothing is handed to it then.
	gone func() bool
}

// receive hands out messages, waiting for the first as long as p allows. The oldest
// open poll is served first.
func (q *queue) receive(batch []handout, p poll) []handout {
	batch = q.take(batch, p.limit, p.lease)
	if len(batch) > 0 || p.wait <= 0 {
		return batch
	}
	end := q.now() + int64(p.wait)
	for {
		woken := make(chan struct{}, 1)
		timer := time.NewTimer(q.enter(woken, end))
		select {
		case <-woken:
		case <-timer.C:
		}
		timer.Stop()
		q.leave(woken)
		if p.gone() {
			q.pass()
			return batch
		}
		if batch = q.take(batch, p.limit, p.lease); len(batch) > 0 || q.now() >= end {
			return batch
		}
	}
}

// enter joins the open polls, and returns how long to wait at most: until end, or
// until a lease ends.
func (q *queue) enter(woken chan struct{}, end int64) time.Duration {
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

func (q *queue) leave(woken chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, woken); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// pass wakes another poll in place of one that left what it was woken for.
func (q *queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken < len(q.ready) {
		q.wake(1)
	}
}

// wake wakes up to n open polls. The lock is held.
func (q *queue) wake(n int) {
	n = min(n, len(q.waiting))
	for _, woken := range q.waiting[:n] {
		woken <- struct{}{}
	}
	q.waiting = slices.Delete(q.waiting, 0, n)
}
