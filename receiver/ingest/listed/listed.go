// Package listed tells over HTTP what the subscriptions of the ingest queue have, and drops what one
// has.
package listed

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/queue"
)

// A Subscription is one subscription as GET /v1/subscriptions and `carrier subscriptions` tell
// of it.
type Subscription struct {
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

// A Dropped is what POST /v1/subscriptions/{name}/drop answers.
type Dropped struct {
	Messages int `json:"messages"`
	Dead     int `json:"dead_letters"`
	// Ended says that the subscription is gone; one that is configured stays.
	Ended bool `json:"ended"`
}

// Of is what all says, as it is told.
func Of(found []queue.Listed) []Subscription {
	now := time.Now()
	all := []Subscription{}
	for _, l := range found {
		s := Subscription{
			Name: RouteName(l.Name), Pattern: l.Pattern, State: l.State, RemovedAt: l.Since, Waiting: l.Waiting, Bytes: l.Bytes, Dead: l.Dead,
		}
		if !l.Oldest.IsZero() {
			s.OldestSeconds = int64(max(0, now.Sub(l.Oldest)) / time.Second)
		}
		all = append(all, s)
	}
	return all
}

// Handle adds GET /v1/subscriptions and POST /v1/subscriptions/{name}/drop to mux, for the queue that
// open returns; nil is one that is not open yet. Whoever serves mux asks for a credential.
func Handle(mux *httpapi.Mux, open func() *queue.Queue) {
	mux.Handle("GET /v1/subscriptions", With(open, list))
	mux.Handle("POST /v1/subscriptions/{name}/drop", With(open, drop))
}

// With calls answer with the queue that open returns, or answers itself that it is not open yet.
func With(open func() *queue.Queue, answer func(q *queue.Queue, w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if q := open(); q != nil {
			answer(q, w, r)
			return
		}
		httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: "the queue is not open yet"}.Write(w)
	}
}

func list(q *queue.Queue, w http.ResponseWriter, _ *http.Request) {
	httpapi.WriteJSON(w, http.StatusOK, map[string]any{"subscriptions": Of(q.List())})
}

func drop(q *queue.Queue, w http.ResponseWriter, r *http.Request) {
	d, err := q.Drop(r.Context(), StoredName(r.PathValue("name")))
	switch {
	case errors.Is(err, queue.ErrNoSubscription):
		httpapi.Problem{Status: http.StatusNotFound, Detail: err.Error()}.Write(w)
	case err != nil:
		httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}.Write(w)
	default:
		httpapi.WriteJSON(w, http.StatusOK, Dropped{Messages: d.Messages, Dead: d.Dead, Ended: d.Ended})
	}
}

// StoredName is the name in the file of the subscription that people call name.
func StoredName(name string) string {
	if name == queue.DefaultName {
		return ""
	}
	return name
}

// RouteName is the opposite of StoredName.
func RouteName(stored string) string { return cmp.Or(stored, queue.DefaultName) }
