package handoff

import (
	"slices"
	"time"
)

// An ask is one consumer that waits for messages.
type ask struct {
	wants  int
	lease  time.Duration
	handed chan Handed // has room for all it may want
}

// An Asking is a consumer's standing wish for messages. It ends with Close, which is called once.
// Its methods are safe for concurrent use.
type Asking struct {
	table *Table
	ask   *ask
}

// Ask asks for n messages, each for as long as lease; zero is the table's, and the longest is
// MaxLease.
func (t *Table) Ask(n int, lease time.Duration) *Asking {
	if lease <= 0 {
		lease = t.o.Lease
	}
	a := &Asking{table: t, ask: &ask{lease: min(lease, MaxLease), handed: make(chan Handed, n)}}
	a.Want(n)
	t.o.Asked()
	return a
}

// Want sets how many messages a still asks for, beside those that it was handed: at most as many as it
// has asked for at first, less those that it has not received from Messages yet. Whoever else asks is
// served before it.
func (a *Asking) Want(n int) {
	t := a.table
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leave(a.ask)
	a.ask.wants = max(min(n, cap(a.ask.handed)-len(a.ask.handed)), 0)
	if a.ask.wants == 0 {
		return
	}
	t.asks = append(t.asks, a.ask)
	t.wanted += a.ask.wants
	close(t.asked)
	t.asked = make(chan struct{})
}

// Messages brings what is handed over.
func (a *Asking) Messages() <-chan Handed { return a.ask.handed }

// Close ends the asking, and returns what was handed over and not received from Messages yet: the
// caller has it now, or says Unread.
func (a *Asking) Close() (rest []Handed) {
	t := a.table
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leave(a.ask)
	for len(a.ask.handed) > 0 {
		rest = append(rest, <-a.ask.handed)
	}
	return rest
}

// leave takes what a still wants out of the count. The lock is held.
func (t *Table) leave(a *ask) {
	t.wanted -= a.wants
	a.wants = 0
	if i := slices.Index(t.asks, a); i >= 0 {
		t.asks = slices.Delete(t.asks, i, i+1)
	}
}
