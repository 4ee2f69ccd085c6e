package receivertest

import (
	"time"

	"carrier/message"
)

// What a test sets of a Memory, and what it asks of it.

// Fail makes every later call ask f whether it is to fail: operation is open, receive, extend or
// settle, and m the message of the latter two.
func (r *Memory) Fail(f func(operation string, m *message.Message) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// Repeat makes a message that was removed available again, as if it had not been. Where itself is
// true the source says of every message from then on that it may do so.
func (r *Memory) Repeat(id string, itself bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.repeats = itself
	for _, e := range r.entries {
		if e.id == id {
			e.dead = false
		}
	}
	r.wake()
}

// Redrive gives the source a redrive policy: a message that was handed out so often and is still
// there goes to the queue of that name instead of being handed out again.
func (r *Memory) Redrive(after int, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.redriveAfter, r.redriveTo = after, to
}

// Spread makes each receive begin behind the last message of the one before, as from a queue that has no
// order and many servers.
func (r *Memory) Spread() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spread = 1
}

// Left counts the messages that were not removed, in flight or not.
func (r *Memory) Left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.entries {
		if !e.dead {
			n++
		}
	}
	return n
}

// Held counts the messages under a lease.
func (r *Memory) Held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.entries {
		if e.held && e.visible.After(time.Now()) {
			n++
		}
	}
	return n
}

// Settlements lists what was agreed to, in order.
func (r *Memory) Settlements() []Settled {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Settled(nil), r.settled...)
}

// Extensions counts the leases that were renewed.
func (r *Memory) Extensions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.extended
}

// Receives tells the limits that were asked for so far, and the most receives that were open at
// once.
func (r *Memory) Receives() (limits []int, maxOpen int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.limits...), r.maxOpen
}
