package sqs

import (
	"container/list"
	"sync"
	"time"
)

// A memory holds the ids added last, up to a limit, each for a time. Its methods
// may be called at once.
type memory struct {
	limit int
	keep  time.Duration

	mu    sync.Mutex
	order *list.List // of recollection, the latest in front
	byID  map[string]*list.Element
}

type recollection struct {
	id string
	at time.Time
}

func newMemory(limit int, keep time.Duration) *memory {
	return &memory{limit: limit, keep: keep, order: list.New(), byID: map[string]*list.Element{}}
}

// add keeps id in mind from now, and drops the oldest where there are too many.
func (m *memory) add(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(id)
	m.byID[id] = m.order.PushFront(recollection{id, time.Now()})
	for m.order.Len() > m.limit {
		m.remove(m.oldest().id)
	}
}

// has reports whether id is in mind.
func (m *memory) has(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.order.Len() > 0 && time.Since(m.oldest().at) > m.keep {
		m.remove(m.oldest().id)
	}
	_, ok := m.byID[id]
	return ok
}

// forget drops id.
func (m *memory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(id)
}

func (m *memory) oldest() recollection { return m.order.Back().Value.(recollection) }

func (m *memory) remove(id string) {
	if e, ok := m.byID[id]; ok {
		m.order.Remove(e)
		delete(m.byID, id)
	}
}
