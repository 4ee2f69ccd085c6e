package adminapi

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"carrier/config/values"
	"carrier/internal/deadletter"
	"carrier/internal/httpapi"
)

// An Order is the request of POST /v1/dead-letters/redrive: some letters, or all.
type Order struct {
	Route string   `json:"route,omitempty"`
	IDs   []string `json:"ids,omitempty"`
	All   bool     `json:"all,omitempty"`
	// Rate is as 100/s, 600/m or 1000/h; empty sets no limit.
	Rate string `json:"rate,omitempty"`
	// Dry moves nothing: how many would be moved is what is left.
	Dry bool `json:"dry_run,omitempty"`
}

// A State is the answer to GET /v1/dead-letters/redrive: how far the redrive is that runs, or how the
// last one has ended.
type State struct {
	Running bool `json:"running"`
	deadletter.Progress
	// Error says why it has ended early; Notes are what it has to say.
	Error string   `json:"error,omitempty"`
	Notes []string `json:"notes,omitempty"`
}

// A job is the redrive that runs, or the last one. The zero value has not run.
type job struct {
	mu     sync.Mutex
	state  State
	cancel context.CancelFunc
	done   chan struct{} // closed at the end of the one that runs
}

// start runs a redrive on s, unless one runs.
func (j *job) start(s deadletter.Store, r deadletter.Request) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Running {
		return false
	}
	ctx, cancel := context.WithCancel(context.Background()) // it goes on when the request is answered
	j.state, j.cancel, j.done = State{Running: true}, cancel, make(chan struct{})
	r.Report = func(p deadletter.Progress) { j.update(func(s *State) { s.Progress = p }) }
	r.Note = func(text string) { j.update(func(s *State) { s.Notes = append(s.Notes, text) }) }
	go func() {
		defer close(j.done)
		defer cancel()
		p, err := s.Redrive(ctx, r)
		j.update(func(s *State) {
			if s.Running, s.Progress = false, p; errors.Is(err, context.Canceled) {
				s.Error = "it was stopped"
			} else if err != nil {
				s.Error = err.Error()
			}
		})
	}()
	return true
}

func (j *job) update(change func(*State)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.state)
}

// stop ends the redrive that runs, between two letters, and waits for its end.
func (j *job) stop() {
	j.mu.Lock()
	cancel, done := j.cancel, j.done
	j.mu.Unlock()
	if done != nil {
		cancel()
		<-done
	}
}

func (a *API) redrive(w http.ResponseWriter, r *http.Request) error {
	var o Order
	if err := read(w, r, &o); err != nil {
		return err
	}
	if o.All == (len(o.IDs) > 0) {
		return refuse(http.StatusBadRequest, "say either ids or all")
	}
	var rate values.Rate
	if err := rate.Decode(o.Rate); err != nil {
		return refuse(http.StatusBadRequest, "rate is as 100/s, 600/m or 1000/h")
	}
	route, err := a.routeOf(o.Route)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	store, err := a.storeOf(ctx, route)
	if err != nil {
		return err
	}
	if !a.job.start(store, deadletter.Request{IDs: o.IDs, Rate: rate.PerSecond(), Dry: o.Dry}) {
		return refuse(http.StatusConflict, "a redrive runs already: GET /v1/dead-letters/redrive says how far it is")
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (a *API) progress(w http.ResponseWriter, _ *http.Request) error {
	a.job.mu.Lock()
	state := a.job.state
	a.job.mu.Unlock()
	httpapi.WriteJSON(w, http.StatusOK, state)
	return nil
}

// stop answers once the redrive has ended.
func (a *API) stop(w http.ResponseWriter, _ *http.Request) error {
	a.job.stop()
	w.WriteHeader(http.StatusNoContent)
	return nil
}
