// Package receivertest holds the promises every receiver keeps, as a suite of tests, and a receiver
// in memory that keeps them.
package receivertest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// A Put is one message for a source.
type Put struct {
	Body  string
	Group string
	Delay time.Duration
}

// Memory is a Receiver whose source is in memory. It behaves as SQS does: a lease for each
// hand-out, groups in order, a group with a message in flight gives no more of it, and one receive
// may bring several of one group.
type Memory struct {
	lease time.Duration

	mu       sync.Mutex
	changed  chan struct{}
	entries  []*entry
	puts     int
	open     int
	maxOpen  int
	limits   []int
	settled  []Settled
	extended int
	fault    func(operation string, m *message.Message) error
	repeats  bool
	// The redrive policy: messages received so often go to redriveTo at the next receive.
	redriveAfter  int
	redriveTo     string
	first, spread int
}

// A Settled is one settlement that a Memory agreed to.
type Settled struct {
	ID      string
	Outcome message.Outcome
	At      time.Time
}

type entry struct {
	id        string
	put       Put
	sent      time.Time
	first     time.Time
	count     int
	visible   time.Time // not handed out before
	held      bool      // handed out, and not settled since
	dead      bool
	handedOut int // the receipt of the last hand-out
}

// NewMemory returns an empty source with the given lease.
func NewMemory(lease time.Duration) *Memory {
	return &Memory{lease: lease, changed: make(chan struct{})}
}

// Put adds one message for each body, each with its body as its id.
func (r *Memory) Put(bodies ...string) {
	for _, b := range bodies {
		r.Add(Put{Body: b}, b)
	}
}

// Add adds one message under an id; an empty id is made up.
func (r *Memory) Add(p Put, id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puts++
	if id == "" {
		id = fmt.Sprintf("m%d", r.puts)
	}
	now := time.Now()
	r.entries = append(r.entries, &entry{id: id, put: p, sent: now, visible: now.Add(p.Delay)})
	r.wake()
	return id
}

// Open does nothing.
func (r *Memory) Open(context.Context) error { return r.failing("open", nil) }

// Close does nothing.
func (r *Memory) Close() error { return nil }

// Receive waits for messages as the contract of Receiver says.
func (r *Memory) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	r.begin(limit)
	defer r.end()
	for {
		if err := r.failing("receive", nil); err != nil {
			return nil, err
		}
		batch, changed, wait := r.take(limit)
		if len(batch) > 0 {
			return batch, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Extend renews leases.
func (r *Memory) Extend(_ context.Context, batch []*message.Message) []error {
	errs := make([]error, len(batch))
	for i, m := range batch {
		errs[i] = r.extend(m)
	}
	return errs
}

// Settle ends a lease.
func (r *Memory) Settle(_ context.Context, m *message.Message, o message.Outcome) error {
	if err := r.failing("settle", m); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.holder(m)
	if e == nil {
		return receiver.ErrLeaseLost
	}
	if o.Verdict == message.Rejected && o.Action == message.DeadLetter {
		return receiver.ErrNoDeadLetter
	}
	e.held = false
	e.dead = o.Ends()
	e.visible = time.Now().Add(o.Delay)
	r.settled = append(r.settled, Settled{ID: m.ID, Outcome: o, At: time.Now()})
	r.wake()
	return nil
}

func (r *Memory) extend(m *message.Message) error {
	if err := r.failing("extend", m); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.holder(m)
	if e == nil {
		return receiver.ErrLeaseLost
	}
	e.visible = time.Now().Add(r.lease)
	m.Renew(e.visible)
	r.extended++
	return nil
}

// holder finds the entry that m's receipt still holds.
func (r *Memory) holder(m *message.Message) *entry {
	for _, e := range r.entries {
		if e.id == m.ID && e.held && e.handedOut == m.Receipt.(int) && e.visible.After(time.Now()) {
			return e
		}
	}
	return nil
}

// take hands out what is visible, and says how long until more may be.
func (r *Memory) take(limit int) (batch []*message.Message, changed <-chan struct{}, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	wait = time.Hour
	busy := r.busyGroups(now)
	for i := range r.entries {
		e := r.entries[(r.first+i)%len(r.entries)]
		if e.dead || len(batch) == limit {
			continue
		}
		if e.visible.After(now) {
			wait = min(wait, e.visible.Sub(now))
		}
		if e.put.Group != "" && busy[e.put.Group] {
			continue
		}
		if e.visible.After(now) {
			busy[e.put.Group] = true // the tail of a delayed head waits for it
			continue
		}
		if e.dead = r.redriveAfter > 0 && e.count >= r.redriveAfter; e.dead {
			continue
		}
		batch = append(batch, r.startLease(e, now))
	}
	r.first += r.spread * len(batch)
	return batch, r.changed, wait
}

// busyGroups names the groups that have a message under a lease.
func (r *Memory) busyGroups(now time.Time) map[string]bool {
	busy := map[string]bool{}
	for _, e := range r.entries {
		if !e.dead && e.held && e.visible.After(now) {
			busy[e.put.Group] = true
		}
	}
	return busy
}

func (r *Memory) startLease(e *entry, now time.Time) *message.Message {
	e.count++
	e.handedOut++
	if e.first.IsZero() {
		e.first = now
	}
	e.held = true
	e.visible = now.Add(r.lease)
	m := &message.Message{
		ID: e.id, Body: []byte(e.put.Body), Source: "memory",
		Group: e.put.Group, Ordered: e.put.Group != "",
		ReceiveCount: e.count, FirstReceived: e.first, Sent: e.sent, Received: now,
		Lease: r.lease, Receipt: e.handedOut, Repeats: r.repeats,
	}
	if r.redriveAfter > 0 && e.count >= r.redriveAfter {
		m.RedriveTo = r.redriveTo
	}
	m.Renew(e.visible)
	return m
}

func (r *Memory) failing(operation string, m *message.Message) error {
	r.mu.Lock()
	f := r.fault
	r.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(operation, m)
}

func (r *Memory) begin(limit int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limits = append(r.limits, limit)
	r.open++
	r.maxOpen = max(r.maxOpen, r.open)
}

func (r *Memory) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
}

// wake lets every waiting Receive look again. The lock is held.
func (r *Memory) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}
