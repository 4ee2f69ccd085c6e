// Package recent holds what is known of the ids that were noted last: at most so many of them, each
// for a limited time.
package recent

import (
	"crypto/sha256"
	"time"
)

// A Key stands for an id. It is the first half of the id's SHA-256, so that every id takes the same
// room and no two ids have the same key.
type Key [16]byte

// KeyOf returns the key of id.
func KeyOf(id string) Key {
	var room [128]byte // so that an id of usual length is not copied to the heap
	sum := sha256.Sum256(append(room[:0], id...))
	return Key(sum[:])
}

// A Set holds one value for each id. When it is full, the id that was put least recently makes
// room. It allocates nothing for an id that takes another's place, and where V holds no pointers
// the garbage collector has nothing to look at. It is not safe for concurrent use.
type Set[V any] struct {
	limit int
	keep  time.Duration
	born  time.Time

	index map[Key]int32 // the place of each id in ring
	// ring links the places in the order of Put: behind ring[0], which holds no id, comes the
	// oldest, and before it the latest.
	ring  []place[V]
	spare int32 // the first free place; the others follow by next; 0 is none
}

type place[V any] struct {
	value      V
	key        Key
	at         time.Duration // when it was put, since the set was made
	next, prev int32
}

// New returns an empty set of at most limit ids, each kept for keep after it was put; zero means
// until others take its place.
func New[V any](limit int, keep time.Duration) *Set[V] {
	return &Set[V]{
		limit: max(limit, 1), keep: keep, born: time.Now(),
		index: map[Key]int32{}, ring: make([]place[V], 1),
	}
}

// Put sets the value of an id, whose time begins anew. Where the set is full the oldest id goes.
func (s *Set[V]) Put(key Key, value V) {
	s.Remove(key)
	if len(s.index) >= s.limit {
		s.Remove(s.ring[s.ring[0].next].key)
	}
	i := s.free()
	latest := s.ring[0].prev
	s.ring[i] = place[V]{value: value, key: key, at: time.Since(s.born), prev: latest}
	s.ring[latest].next, s.ring[0].prev = i, i
	s.index[key] = i
}

// Get returns the value of an id, and whether the set holds one.
func (s *Set[V]) Get(key Key) (value V, ok bool) {
	i, ok := s.index[key]
	if !ok || s.keep > 0 && time.Since(s.born)-s.ring[i].at > s.keep {
		return value, false
	}
	return s.ring[i].value, true
}

// Remove drops an id, if it is there.
func (s *Set[V]) Remove(key Key) {
	i, ok := s.index[key]
	if !ok {
		return
	}
	delete(s.index, key)
	p := &s.ring[i]
	s.ring[p.prev].next, s.ring[p.next].prev = p.next, p.prev
	*p = place[V]{next: s.spare} // and holds on to no value
	s.spare = i
}

// Len counts the ids in the set, those whose time is over and whose place nobody took included.
func (s *Set[V]) Len() int { return len(s.index) }

// free returns the index of a free place.
func (s *Set[V]) free() int32 {
	i := s.spare
	if i == 0 {
		i = int32(len(s.ring)) //nolint:gosec // at most the limit
		s.ring = append(s.ring, place[V]{})
		return i
	}
	s.spare = s.ring[i].next
	return i
}
