// Package queued tells over HTTP what waits in the ingest queue, and drops single messages.
package queued

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/queue"
	"carrier/receiver/ingest/listed"
	"carrier/receiver/ingest/request"
)

// A Message is one message that a route waits for or has in flight, as GET /v1/queue and
// `carrier queue list` tell of it.
type Message struct {
	ID string `json:"id"`
	// Route is "default" for the one without a name.
	Route string `json:"route"`
	Group string `json:"group,omitempty"`
	// State is ready, delayed, backing_off or in_flight. Due is when one that is delayed or backs off
	// is due, and when the lease ends of one that is in flight.
	State         queue.State `json:"state"`
	Stored        time.Time   `json:"stored"`
	Due           time.Time   `json:"due,omitzero"`
	ReceiveCount  int         `json:"receive_count"`
	FirstReceived time.Time   `json:"first_received,omitzero"`
	// Bytes is the size of the body.
	Bytes int `json:"bytes"`
	// ContentType, Method, Path and Attributes are there where one message was asked for, and Body
	// where it was too.
	ContentType string            `json:"content_type,omitempty"`
	Method      string            `json:"method,omitempty"`
	Path        string            `json:"path,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Body        []byte            `json:"body,omitempty"`
}

// A Page is what GET /v1/queue answers. It may be short, or empty, where Next says that there is more.
type Page struct {
	Messages []Message `json:"messages"`
	// Next is where the next page begins; empty at the end.
	Next string `json:"next"`
}

// Most messages of a page, and how many there are unless limit says otherwise.
const (
	MostLimit    = 1000
	defaultLimit = 100
)

// A Query says what List looks for.
type Query struct {
	// Route is empty for all of them.
	Route string
	// States are all of them where there is none.
	States []queue.State
	// Limit is between 1 and MostLimit.
	Limit int

	after uint64
}

// Of is the query of the words of a request; an error says what is wrong with one of them. Without a
// limit it is 100; after is Page.Next, empty for the first page.
func Of(route, state, limit, after string) (q Query, err error) {
	q = Query{Route: route, Limit: defaultLimit}
	if state != "" {
		q.States = []queue.State{queue.State(state)}
		if !slices.Contains(queue.States(), q.States[0]) {
			return q, errors.New("state has to be ready, delayed, backing_off or in_flight")
		}
	}
	if limit != "" {
		if q.Limit, err = strconv.Atoi(limit); err != nil || q.Limit < 1 || q.Limit > MostLimit {
			return q, errors.New("limit has to be a number from 1 to " + strconv.Itoa(MostLimit))
		}
	}
	if after != "" {
		if q.after, err = strconv.ParseUint(after, 10, 64); err != nil {
			return q, errors.New("after has to be what the page before says as next")
		}
	}
	return q, nil
}

// List returns one page of what waits.
func List(in *queue.Queue, q Query) (Page, error) {
	list, next, err := in.Waiting(q.after, q.Limit, q.States, names(q.Route)...)
	p := Page{Messages: []Message{}}
	for _, w := range list {
		p.Messages = append(p.Messages, newMessage(w))
	}
	if next != 0 {
		p.Next = strconv.FormatUint(next, 10)
	}
	return p, err
}

// Show returns the message of an id as each route sees it that waits for it.
func Show(ctx context.Context, in *queue.Queue, route, id string, body bool) ([]Message, error) {
	found, err := in.FindWaiting(ctx, id, names(route)...)
	if err != nil {
		return nil, err
	}
	all := make([]Message, 0, len(found))
	for _, w := range found {
		if w, err = in.ReadWaiting(w); err != nil {
			return nil, err
		}
		m := newMessage(w)
		e, err := request.DecodeEnvelope(w.Head)
		if err != nil {
			return nil, err
		}
		m.ContentType, m.Method, m.Path, m.Attributes = e.ContentType, e.Request.Method, e.Request.Path, map[string]string{}
		for _, a := range e.Attributes {
			m.Attributes[a.Name] = a.Value
		}
		if body {
			m.Body = w.Body
		}
		all = append(all, m)
	}
	return all, nil
}

// Drop removes the message of an id for a route, or for the only one that waits for it.
func Drop(ctx context.Context, in *queue.Queue, route, id string) error {
	return in.DropWaiting(ctx, id, names(route)...)
}

func names(route string) []string {
	if route == "" {
		return nil
	}
	return []string{listed.StoredName(route)}
}

func newMessage(w queue.Waiting) Message {
	return Message{
		ID: w.ID, Route: listed.RouteName(w.Subscription), Group: w.Group, State: w.State, Stored: w.Stored.UTC(), Due: utc(w.Due),
		ReceiveCount: w.ReceiveCount, FirstReceived: utc(w.FirstReceived), Bytes: w.BodySize,
	}
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// Handle adds GET /v1/queue, GET /v1/queue/{id} and POST /v1/queue/{id}/drop to mux, for the queue that
// open returns; nil is one that is not open yet. Whoever serves mux asks for a credential.
func Handle(mux *httpapi.Mux, open func() *queue.Queue) {
	mux.Handle("GET /v1/queue", listed.With(open, func(q *queue.Queue, w http.ResponseWriter, r *http.Request) {
		words := r.URL.Query()
		query, err := Of(words.Get("route"), words.Get("state"), words.Get("limit"), words.Get("after"))
		if err != nil {
			httpapi.Problem{Status: http.StatusBadRequest, Detail: err.Error()}.Write(w)
			return
		}
		page, err := List(q, query)
		answer(w, page, err)
	}))
	mux.Handle("GET /v1/queue/{id}", listed.With(open, func(q *queue.Queue, w http.ResponseWriter, r *http.Request) {
		words := r.URL.Query()
		body := words.Get("body")
		if body != "" && body != "true" && body != "false" {
			httpapi.Problem{Status: http.StatusBadRequest, Detail: "body has to be true or false"}.Write(w)
			return
		}
		all, err := Show(r.Context(), q, words.Get("route"), r.PathValue("id"), body == "true")
		answer(w, Page{Messages: all}, err)
	}))
	mux.Handle("POST /v1/queue/{id}/drop", listed.With(open, func(q *queue.Queue, w http.ResponseWriter, r *http.Request) {
		if err := Drop(r.Context(), q, r.URL.Query().Get("route"), r.PathValue("id")); err != nil {
			answer(w, nil, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
}

func answer(w http.ResponseWriter, value any, err error) {
	if err == nil {
		httpapi.WriteJSON(w, http.StatusOK, value)
		return
	}
	p := httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}
	switch {
	case errors.Is(err, queue.ErrNoMessage):
		p.Status = http.StatusNotFound
	case errors.Is(err, queue.ErrInFlight), errors.Is(err, queue.ErrNotConfigured):
		p.Status = http.StatusConflict
	case errors.Is(err, queue.ErrSeveral):
		p.Status, p.Detail = http.StatusConflict, p.Detail+": say which with route"
	}
	p.Write(w)
}
