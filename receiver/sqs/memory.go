package sqs

import (
	"crypto/sha256"
	"sync"
	"time"
)

// A memory holds the ids added last, up to a limit, each for a time. Its methods
// may be called at once.
//
// It takes no memory for an id that comes in the place of another, and holds nothing
// that the garbage collector would have to look at.
type memory struct {
	limit int
	keep  time.Duration
	born  time.Time

	mu    sync.Mutex
	byID  map[memoryKey]int32 // index in all
	all   []recollection      // the first of them begins and ends the ring
	spare int32               // the first that is free, by its next; 0 is none
}

// A recollection is a place in a ring, in the order of time: behind the first of all
// comes the oldest, and before it the latest.
type recollection struct {
	id         memoryKey
	at         time.Duration // since the memory was made
	next, prev int32
}

// A memoryKey is an id as it is, and of a long one, which SQS does not give, its hash.
type memoryKey [36]byte

func keyOf(id string) memoryKey {
	var key memoryKey
	if len(id) <= len(key) {
		copy(key[:], id)
		return key
	}
	sum := sha256.Sum256([]byte(id))
	copy(key[:], sum[:])
	return key
}

func newMemory(limit int, keep time.Duration) *memory {
	return &memory{limit: limit, keep: keep, born: time.Now(), byID: map[memoryKey]int32{}, all: make([]recollection, 1)}
}

// add keeps id in mind from now, and drops the oldest where there are too many.
func (m *memory) add(id string) {
	key := keyOf(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
	if len(m.byID) >= m.limit {
		m.remove(m.oldest().id)
	}
	m.byID[key] = m.append(key)
}

// has reports whether id is in mind.
func (m *memory) has(id string) bool {
	key := keyOf(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.byID[key]
	return ok && time.Since(m.born)-m.all[i].at <= m.keep
}

// forget drops id.
func (m *memory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(keyOf(id))
}

func (m *memory) oldest() *recollection { return &m.all[m.all[0].next] }

// append puts key behind the latest.
func (m *memory) append(key memoryKey) int32 {
	i := m.spare
	if i == 0 {
		i = int32(len(m.all)) //nolint:gosec // at most the limit
		m.all = append(m.all, recollection{})
	} else {
		m.spare = m.all[i].next
	}
	latest := m.all[0].prev
	m.all[i] = recollection{id: key, at: time.Since(m.born), prev: latest}
	m.all[latest].next, m.all[0].prev = i, i
	return i
}

func (m *memory) remove(key memoryKey) {
	i, ok := m.byID[key]
	if !ok {
		return
	}
	delete(m.byID, key)
	r := &m.all[i]
	m.all[r.prev].next, m.all[r.next].prev = r.next, r.prev
	r.next, m.spare = m.spare, i
}
