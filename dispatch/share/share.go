// Package share gives the places of one worker to several routes by their weights.
package share

import (
	"context"
	"slices"
	"sync"
)

// A Pool is the places of one worker: as many messages as it may hold at once, over all routes. It
// is safe for concurrent use.
type Pool struct {
	mu      sync.Mutex
	idle    int
	members []*Member
	// clocks are the virtual times at which places go to members with a weight, and to those
	// without.
	clocks [2]float64
}

// A Member is one route's part in a pool. It is safe for concurrent use. A nil Member sets no limit.
type Member struct {
	pool  *Pool
	clock *float64
	cost  float64 // of one place, in virtual time
	last  bool    // its weight is zero

	// Guarded by the pool's lock.
	onFree  func()
	waiters []chan struct{}
	held    int
	start   float64 // when the first of its waiters is due, in virtual time
	finish  float64 // when its last grant is paid for
}

// New returns a pool of limit places, at least one.
func New(limit int) *Pool { return &Pool{idle: max(limit, 1)} }

// Member adds a member. While places are wanted by several, each gets them in proportion to its
// weight; one whose weight is zero gets a place only when no member with a weight waits for one.
func (p *Pool) Member(weight int) *Member {
	m := &Member{pool: p, clock: &p.clocks[0], last: weight <= 0, cost: 1 / float64(max(weight, 1))}
	if m.last {
		m.clock = &p.clocks[1]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members = append(p.members, m)
	return m
}

// OnFree has f called each time a place becomes free, also where it goes to another member at once.
// f must not block; it may call m.
func (m *Member) OnFree(f func()) {
	if m == nil {
		return
	}
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.onFree = f
}

// Acquire waits for a place, and reports whether m has one more, which Release gives back. When ctx
// ends first it has none.
func (m *Member) Acquire(ctx context.Context) bool {
	if m == nil {
		return true
	}
	granted := m.join()
	select {
	case <-granted:
		return true
	case <-ctx.Done():
		return !m.leave(granted)
	}
}

// Release gives back a place.
func (m *Member) Release() {
	if m == nil {
		return
	}
	for _, tell := range m.release() {
		tell()
	}
}

// Held is how many places m has.
func (m *Member) Held() int {
	if m == nil {
		return 0
	}
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	return m.held
}

// Free reports whether a place is free, as it always is for a nil Member.
func (m *Member) Free() bool {
	if m == nil {
		return true
	}
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	return m.pool.idle > 0
}

// join puts a new waiter behind the others of m. What it returns is closed when the place is there.
func (m *Member) join() chan struct{} {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	granted := make(chan struct{})
	if len(m.waiters) == 0 {
		m.start = max(*m.clock, m.finish) // what was not used before is not owed
	}
	m.waiters = append(m.waiters, granted)
	m.pool.grant()
	return granted
}

// leave takes a waiter away, and reports whether it had no place yet.
func (m *Member) leave(granted chan struct{}) bool {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	i := slices.Index(m.waiters, granted)
	if i >= 0 {
		m.waiters = slices.Delete(m.waiters, i, i+1)
	}
	return i >= 0
}

// release frees a place, and returns whom to tell of it once the lock is free.
func (m *Member) release() []func() {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.held--
	m.pool.idle++
	m.pool.grant()
	tell := make([]func(), 0, len(m.pool.members))
	for _, member := range m.pool.members {
		if member.onFree != nil {
			tell = append(tell, member.onFree)
		}
	}
	return tell
}

// grant gives the free places to who is due. The lock is held.
func (p *Pool) grant() {
	for p.idle > 0 {
		m := p.due()
		if m == nil {
			return
		}
		p.idle--
		m.held++
		*m.clock = m.start
		m.finish = m.start + m.cost
		m.start = m.finish
		close(m.waiters[0])
		m.waiters = slices.Delete(m.waiters, 0, 1)
	}
}

// due is the member whose turn it is among those that wait; nil where nobody does. It is
// start-time fair queueing (Goyal, Vin, Cheng 1996): the least start goes first. The lock is held.
func (p *Pool) due() *Member {
	var first *Member
	for _, m := range p.members {
		if len(m.waiters) > 0 && (first == nil || m.before(first)) {
			first = m
		}
	}
	return first
}

// before reports whether m goes before other. The lock is held.
func (m *Member) before(other *Member) bool {
	if m.last != other.last {
		return other.last
	}
	return m.start < other.start
}
