// Package adminapi is the dead letters' part of the admin port's API: what answers there, and a store
// that asks there.
package adminapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"carrier/internal/deadletter"
	"carrier/internal/httpapi"
	"carrier/publisher"
	"carrier/receiver"
)

const (
	// The letters of one answer: unless asked otherwise, and at most.
	usualLimit = 100
	mostLimit  = 1000
	// maxRequest is the largest request that is read, in bytes.
	maxRequest = 1 << 20
	// callTimeout is how long one request may take that is not a redrive.
	callTimeout = 30 * time.Second
)

// A Route is one whose dead letters are served.
type Route struct {
	// Name is what people call the route.
	Name string
	// Open opens its store. It is called when the store is wanted first, and again after an error.
	Open func(context.Context) (deadletter.Store, error)
}

// An API serves the dead letters of all routes, and runs one redrive at a time. It is safe for
// concurrent use.
type API struct {
	routes []Route
	job    job
	mux    httpapi.Mux

	mu     sync.Mutex
	opened map[string]deadletter.Store
}

// New assembles the API. Whoever serves it asks for a credential, and closes it when nothing is asked
// of it any more.
func New(routes []Route) *API {
	a := &API{routes: routes, opened: map[string]deadletter.Store{}}
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /v1/dead-letters":               a.list,
		"GET /v1/dead-letters/{id}":          a.show,
		"GET /v1/dead-letters/redrive":       a.progress,
		"POST /v1/dead-letters/redrive":      a.redrive,
		"DELETE /v1/dead-letters/redrive":    a.stop,
		"POST /v1/dead-letters/{id}/redrive": a.redriveOne,
		"POST /v1/dead-letters/{id}/drop":    a.drop,
	} {
		a.mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				problemOf(err).Write(w)
			}
		}))
	}
	return a
}

// ServeHTTP answers r.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Close stops the redrive that runs, between two letters, and closes the stores.
func (a *API) Close() error {
	a.job.stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, s := range a.opened {
		errs = append(errs, s.Close())
	}
	clear(a.opened)
	return errors.Join(errs...)
}

// A refusal is an error that the asker could have avoided.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

func problemOf(err error) httpapi.Problem {
	var refused *refusal
	status := http.StatusServiceUnavailable
	switch {
	case errors.As(err, &refused):
		status = refused.status
	case errors.Is(err, deadletter.ErrNotFound):
		status = http.StatusNotFound
	case hasNone(err):
		status = http.StatusNotImplemented
	case publisher.IsPermanent(err):
		status = http.StatusUnprocessableEntity
	}
	return httpapi.Problem{Status: status, Detail: err.Error()}
}

// hasNone reports whether err says that the route has no dead letters that could be looked at.
func hasNone(err error) bool {
	return errors.Is(err, deadletter.ErrUnsupported) || errors.Is(err, receiver.ErrNoDeadLetter)
}

// routeOf finds the route that is meant by name; an empty one means the only one.
func (a *API) routeOf(name string) (Route, error) {
	if name == "" && len(a.routes) == 1 {
		return a.routes[0], nil
	}
	if name == "" {
		return Route{}, refuse(http.StatusBadRequest, "there are several routes: say which one, with route")
	}
	i := slices.IndexFunc(a.routes, func(r Route) bool { return r.Name == name })
	if i < 0 {
		return Route{}, refuse(http.StatusNotFound, "there is no route %q", name)
	}
	return a.routes[i], nil
}

// storeOf is the store of r, opened.
func (a *API) storeOf(ctx context.Context, r Route) (deadletter.Store, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.opened[r.Name]; s != nil {
		return s, nil
	}
	s, err := r.Open(ctx)
	if err != nil {
		return nil, err
	}
	a.opened[r.Name] = s
	return s, nil
}

// of is the store that the request's query names.
func (a *API) of(ctx context.Context, r *http.Request) (Route, deadletter.Store, error) {
	route, err := a.routeOf(r.URL.Query().Get("route"))
	if err != nil {
		return route, nil, err
	}
	s, err := a.storeOf(ctx, route)
	return route, s, err
}

// A Page is the answer to GET /v1/dead-letters. Next is what after is to be for the letters behind
// these; empty where there are no more.
type Page struct {
	Letters []deadletter.Letter `json:"dead_letters"`
	Next    string              `json:"next,omitempty"`
}

func (a *API) list(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit := usualLimit
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return refuse(http.StatusBadRequest, "limit is a number from 1 to %d", mostLimit)
		}
		limit = min(n, mostLimit)
	}
	routes, after, err := a.from(query.Get("route"), query.Get("after"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	page, err := a.page(ctx, routes, after, limit)
	if err != nil {
		return err
	}
	httpapi.WriteJSON(w, http.StatusOK, page)
	return nil
}

// from returns the routes to list, the first one from the place after. A place across routes is the
// route's name, a colon, and the place in it.
func (a *API) from(name, after string) ([]Route, string, error) {
	routes := a.routes
	if name != "" {
		route, err := a.routeOf(name)
		if err != nil {
			return nil, "", err
		}
		routes = []Route{route}
	}
	if after == "" {
		return routes, "", nil
	}
	at, place, ok := strings.Cut(after, ":")
	i := slices.IndexFunc(routes, func(r Route) bool { return r.Name == at })
	if !ok || i < 0 {
		return nil, "", refuse(http.StatusBadRequest, "after is what next said")
	}
	return routes[i:], place, nil
}

// page lists up to limit letters of routes. One whose letters cannot be listed is passed over where
// others are asked for too.
func (a *API) page(ctx context.Context, routes []Route, after string, limit int) (Page, error) {
	page := Page{Letters: []deadletter.Letter{}}
	for i, route := range routes {
		store, err := a.storeOf(ctx, route)
		var letters []deadletter.Letter
		var next string
		if err == nil {
			letters, next, err = store.List(ctx, after, limit-len(page.Letters))
		}
		if hasNone(err) && len(routes) > 1 {
			after = ""
			continue
		}
		if err != nil {
			return page, err
		}
		for _, l := range letters {
			l.Route = route.Name
			page.Letters = append(page.Letters, l)
		}
		switch after = ""; {
		case next != "":
			page.Next = route.Name + ":" + next
			return page, nil
		case len(page.Letters) == limit && i+1 < len(routes):
			page.Next = routes[i+1].Name + ":"
			return page, nil
		}
	}
	return page, nil
}

func (a *API) show(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	route, store, err := a.of(ctx, r)
	if err != nil {
		return err
	}
	letter, err := store.Show(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	if letter.Route = route.Name; r.URL.Query().Get("body") != "true" {
		letter.Body = nil
	}
	httpapi.WriteJSON(w, http.StatusOK, letter)
	return nil
}

func (a *API) drop(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	_, store, err := a.of(ctx, r)
	if err == nil {
		err = store.Drop(ctx, r.PathValue("id"))
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (a *API) redriveOne(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	_, store, err := a.of(ctx, r)
	if err != nil {
		return err
	}
	var failed error
	p, err := store.Redrive(ctx, deadletter.Request{
		IDs: []string{r.PathValue("id")}, Fail: func(err error) { failed = err },
	})
	if err = cmp.Or(err, failed); err == nil && p.Moved == 0 {
		err = fmt.Errorf("%s was not moved", r.PathValue("id"))
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// read decodes the request's body.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	if p := httpapi.ReadJSON(w, r, maxRequest, into); p != nil {
		return refuse(p.Status, "%s", p.Detail)
	}
	return nil
}
