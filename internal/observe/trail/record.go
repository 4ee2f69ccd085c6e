package trail

import "time"

// The words of Event, and the outcome that FailuresOnly leaves out.
const (
	attempted = "attempt"
	settled   = "settled"
	delivered = "delivered"
)

// An Attempt is one POST, or one hand-over to a consumer, and what came of it. Outcome is one of the
// words that settlements are counted by.
type Attempt struct {
	Time         time.Time `json:"time"`
	Event        string    `json:"event"`
	Route        string    `json:"route"`
	MessageID    string    `json:"message_id"`
	Attempt      int       `json:"attempt"`
	ReceiveCount int       `json:"receive_count"`
	Endpoint     string    `json:"endpoint"`
	Status       int       `json:"status"`
	TookMS       int64     `json:"took_ms"`
	Outcome      string    `json:"outcome"`
	DelayMS      int64     `json:"delay_ms"`
	Reason       string    `json:"reason"`
}

// A Settlement is the end of one message in flight. OK says that the source agreed.
type Settlement struct {
	Time      time.Time `json:"time"`
	Event     string    `json:"event"`
	Route     string    `json:"route"`
	MessageID string    `json:"message_id"`
	Outcome   string    `json:"outcome"`
	Attempts  int       `json:"attempts"`
	AgeMS     int64     `json:"age_ms"`
	SettleMS  int64     `json:"settle_ms"`
	OK        bool      `json:"ok"`
}

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

func (q Query) attempt(a Attempt) bool {
	return q.matches(a.MessageID, a.Route, a.Outcome, a.Time)
}

func (q Query) settlement(s Settlement) bool {
	return q.matches(s.MessageID, s.Route, s.Outcome, s.Time)
}

// Attempts returns those in memory that match q, the newest first; never nil.
func (t *Trail) Attempts(q Query) []Attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.attempts.newest(q.Limit, q.attempt)
}

// Settlements likewise.
func (t *Trail) Settlements(q Query) []Settlement {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.settlements.newest(q.Limit, q.settlement)
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
func (r *ring[T]) newest(limit int, match func(T) bool) []T {
	found := []T{}
	for i := range r.held {
		v := r.held[(r.next+len(r.held)-1-i+len(r.held))%len(r.held)]
		if !match(v) {
			continue
		}
		found = append(found, v)
		if len(found) == limit {
			break
		}
	}
	return found
}
