package handoff

import (
	"slices"
	"time"
)

// An ask is one consumer that waits for messages.
type ask struct {
	wants  int
	lease  time.Duration
	handed chan Handed   // has room for all it may want
	full   chan struct{} // receives when wants has become 0; holds one
	watch  Watch         // nil where nobody watches
}

// A Watch is told of the messages that one consumer is handed. Its methods must not
// block, and must not call the table.
type Watch interface {
	// Handed is called when there is a message that can be received.
	Handed()
	// Ended is called once for each message, when there is a verdict, whoever gave it, or when it is
	// known that there will be none; lost is whether the consumer's time, or carrier's own time to
	// drain, was over without one.
	Ended(token string, lost bool)
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
	a := t.Open(n, lease, nil)
	a.Want(n)
	t.Asked()
	return a
}

// Open is Ask for one that asks for nothing yet, and will want n at once at most. watch may be nil.
func (t *Table) Open(n int, lease time.Duration, watch Watch) *Asking {
	if lease <= 0 {
		lease = t.o.Lease
	}
	return &Asking{table: t, ask: &ask{lease: min(lease, MaxLease), handed: make(chan Handed, n), full: make(chan struct{}, 1), watch: watch}}
}

// Lease is the time that a consumer has for a message unless it asks for another.
func (t *Table) Lease() time.Duration { return t.o.Lease }

// Asked says that a consumer is there that has asked before.
func (t *Table) Asked() { t.o.Asked() }

// Want sets how many messages a asks for, those included that it was handed and has not received from
// Messages yet: at most as many as it was opened for. Where that is another number than before, whoever
// else asks is served before it.
func (a *Asking) Want(n int) {
	t := a.table
	t.mu.Lock()
	defer t.mu.Unlock()
	wants := max(min(n, cap(a.ask.handed))-len(a.ask.handed), 0)
	if wants == a.ask.wants {
		return
	}
	t.leave(a.ask)
	if a.ask.wants = wants; wants == 0 {
		return
	}
	t.asks = append(t.asks, a.ask)
	t.wanted += wants
	if t.ready > 0 {
		close(t.asked)
		t.asked = make(chan struct{})
	}
}

// Messages brings what is handed over.
func (a *Asking) Messages() <-chan Handed { return a.ask.handed }

// Full receives when all was handed over that a asked for: whoever waits for several is woken once.
func (a *Asking) Full() <-chan struct{} { return a.ask.full }

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
