package pubsub

import (
	"container/list"
	"sync"
	"time"
)

// remembered is how many messages, and how many ordering keys, are kept in mind.
const remembered = 10_000

// sightings remembers the messages seen last: how often each came, since Pub/Sub
// counts only for subscriptions with a dead-letter policy, and which were acknowledged.
// A message that fell out of mind begins at one again. Its methods may be called at once.
type sightings struct {
	limit int

	mu    sync.Mutex
	order *list.List // of *sighting, the latest in front
	byID  map[string]*list.Element
}

type sighting struct {
	id           string
	count        int
	first        time.Time
	acknowledged bool
}

func newSightings(limit int) *sightings {
	return &sightings{limit: limit, order: list.New(), byID: map[string]*list.Element{}}
}

// note counts one more hand-out of id, and returns what is known of it. One that was
// acknowledged begins anew: it may be a replay that somebody asked for.
func (s *sightings) note(id string, now time.Time) sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.byID[id]
	if !known {
		e = s.order.PushFront(&sighting{id: id, first: now})
		s.byID[id] = e
	}
	s.order.MoveToFront(e)
	seen := e.Value.(*sighting)
	told := *seen
	if seen.acknowledged {
		*seen = sighting{id: id, first: now}
	}
	seen.count++
	told.count, told.first = seen.count, seen.first
	for s.order.Len() > s.limit {
		oldest := s.order.Back()
		delete(s.byID, oldest.Value.(*sighting).id)
		s.order.Remove(oldest)
	}
	return told
}

// acknowledge notes that Pub/Sub has agreed to the end of id.
func (s *sightings) acknowledge(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, known := s.byID[id]; known {
		e.Value.(*sighting).acknowledged = true
	}
}
