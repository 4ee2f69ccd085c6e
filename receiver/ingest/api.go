package ingest

import (
	"errors"
	"net/http"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/queue"
)

// A ListedSubscription is one subscription as GET /v1/subscriptions and `carrier subscriptions` tell
// of it.
type ListedSubscription struct {
	// Name is "default" for the one without a name.
	Name    string `json:"name"`
	Pattern string `json:"pattern"`
	// State is active, offline, removed or dropping; RemovedAt is when it was taken out of the
	// configuration.
	State     string    `json:"state"`
	RemovedAt time.Time `json:"removed_at,omitzero"`
	// Waiting are messages that wait or are in flight, Dead the dead letters.
	Waiting       int   `json:"waiting"`
	Bytes         int64 `json:"bytes"`
	OldestSeconds int64 `json:"oldest_seconds"`
	Dead          int   `json:"dead_letters"`
}

// A DroppedSubscription is what POST /v1/subscriptions/{name}/drop answers.
type DroppedSubscription struct {
	Messages int `json:"messages"`
	Dead     int `json:"dead_letters"`
	// Ended says that the subscription is gone; one that is configured stays.
	Ended bool `json:"ended"`
}

// Listed is what listed says, as it is told.
func Listed(listed []queue.Listed) []ListedSubscription {
	now := time.Now()
	all := []ListedSubscription{}
	for _, l := range listed {
		s := ListedSubscription{
			Name: l.Name, Pattern: l.Pattern, State: l.State, RemovedAt: l.Since, Waiting: l.Waiting, Bytes: l.Bytes, Dead: l.Dead,
		}
		if s.Name == "" {
			s.Name = queue.DefaultName
		}
		if !l.Oldest.IsZero() {
			s.OldestSeconds = int64(max(0, now.Sub(l.Oldest)) / time.Second)
		}
		all = append(all, s)
	}
	return all
}

// API answers GET /v1/subscriptions and POST /v1/subscriptions/{name}/drop. Whoever mounts it asks
// for a credential.
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/subscriptions", s.list)
	mux.HandleFunc("POST /v1/subscriptions/{name}/drop", s.drop)
	return mux
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	q := s.queue.Load()
	if q == nil {
		notOpen().Write(w)
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, map[string]any{"subscriptions": Listed(q.List())})
}

func (s *Server) drop(w http.ResponseWriter, r *http.Request) {
	q := s.queue.Load()
	if q == nil {
		notOpen().Write(w)
		return
	}
	d, err := q.Drop(r.Context(), StoredName(r.PathValue("name")))
	switch {
	case errors.Is(err, queue.ErrNoSubscription):
		httpapi.Problem{Status: http.StatusNotFound, Detail: err.Error()}.Write(w)
	case err != nil:
		httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}.Write(w)
	default:
		httpapi.WriteJSON(w, http.StatusOK, DroppedSubscription{Messages: d.Messages, Dead: d.Dead, Ended: d.Ended})
	}
}

// StoredName is the name in the file of the subscription that people call name.
func StoredName(name string) string {
	if name == queue.DefaultName {
		return ""
	}
	return name
}

func notOpen() httpapi.Problem {
	return httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: "the queue is not open yet"}
}
