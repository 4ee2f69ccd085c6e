package trail

import "time"

// A Query says which records are wanted. An empty field matches everything.
type Query struct {
	MessageID, Route, Outcome string
	// Since is the earliest time.
	Since time.Time
	// Limit is how many are wanted at most, the newest; zero is all.
	Limit int
}

func (q Query) matches(id, route, outcome string, at time.Time) bool {
	return (q.MessageID == "" || q.MessageID == id) && (q.Route == "" || q.Route == route) &&
		(q.Outcome == "" || q.Outcome == outcome) && (q.Since.IsZero() || !at.Before(q.Since))
}

// Attempts returns those in memory that match q, the newest first; never nil.
func (t *Trail) Attempts(q Query) []Attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.attempts.newest(q.Limit, func(a *Attempt) bool { return q.matches(a.MessageID, a.Route, a.Outcome, a.Time) })
}

// Settlements likewise.
func (t *Trail) Settlements(q Query) []Settlement {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.settlements.newest(q.Limit, func(s *Settlement) bool { return q.matches(s.MessageID, s.Route, s.Outcome, s.Time) })
}

// A ring holds the last ones.
type ring[T any] struct {
	held []T
	next int // where the next one goes once the ring is full
}

func (r *ring[T]) add(v T) {
	if len(r.held) < remembered {
		r.held = append(r.held, v)
		return
	}
	r.held[r.next] = v
	r.next = (r.next + 1) % remembered
}

// newest returns up to limit that match, the newest first; zero is no limit.
func (r *ring[T]) newest(limit int, match func(*T) bool) []T {
	found := []T{}
	for i := range r.held {
		v := &r.held[(r.next+len(r.held)-1-i)%len(r.held)]
		if !match(v) {
			continue
		}
		found = append(found, *v)
		if len(found) == limit {
			break
		}
	}
	return found
}
