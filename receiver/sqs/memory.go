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
	at    map[memoryKey]int32 // index in all
	all   []recollection      // the first of them begins and ends the ring
	spare int32               // the first that is free, by its next; 0 is none
}

// A recollection is a place in a ring, in the order of time: behind the first of all
// comes the oldest, and before it the latest.
type recollection struct {
	key        memoryKey
	at         time.Duration // since the memory was made
	next, prev int32
}

// A memoryKey stands for an id: it takes less room, and no two ids have the same.
type memoryKey [16]byte

func keyOf[ID string | []byte](id ID) memoryKey {
	sum := sha256.Sum256([]byte(id))
	return memoryKey(sum[:])
}

func newMemory(limit int, keep time.Duration) *memory {
	return &memory{limit: limit, keep: keep, born: time.Now(), at: map[memoryKey]int32{}, all: make([]recollection, 1)}
}

// add keeps an id in mind from now, and drops the oldest where there are too many.
func (m *memory) add(key memoryKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
	if len(m.at) >= m.limit {
		m.remove(m.oldest().key)
	}
	m.at[key] = m.append(key)
}

// has reports whether an id is in mind.
func (m *memory) has(key memoryKey) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.at[key]
	return ok && time.Since(m.born)-m.all[i].at <= m.keep
}

// forget drops an id.
func (m *memory) forget(key memoryKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(key)
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
	m.all[i] = recollection{key: key, at: time.Since(m.born), prev: latest}
	m.all[latest].next, m.all[0].prev = i, i
	return i
}

func (m *memory) remove(key memoryKey) {
	i, ok := m.at[key]
	if !ok {
		return
	}
	delete(m.at, key)
	r := &m.all[i]
	m.all[r.prev].next, m.all[r.next].prev = r.next, r.prev
	r.next, m.spare = m.spare, i
}
