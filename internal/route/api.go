package route

import (
	"net/http"
	"slices"

	"carrier/internal/httpapi"
	"carrier/internal/observe/admin"
	"carrier/internal/route/state"
)

// API answers GET /v1/state, GET /v1/attempts, POST /v1/routes/{route}/pause and /resume, and what the
// ingest server answers, where a route has that receiver.
// version is of the binary. Whoever serves it asks for a credential.
func (rs *Routes) API(version string) http.Handler {
	var api admin.API
	api.Handle("GET /v1/state", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		httpapi.WriteJSON(w, http.StatusOK, state.Process{Version: version, Routes: rs.states()})
	}))
	api.Handle("GET /v1/attempts", rs.ofKnownRoute(rs.trail.Handler()))
	api.Handle("POST /v1/routes/{route}/pause", rs.pausing(true))
	api.Handle("POST /v1/routes/{route}/resume", rs.pausing(false))
	for _, r := range rs.all {
		if r.source.API != nil { // the server is the same for all of them
			for _, path := range []string{"/v1/subscriptions", "/v1/queue"} {
				api.Handle(path, r.source.API)
				api.Handle(path+"/", r.source.API)
			}
			break
		}
	}
	api.Handle("/v1/dead-letters", rs.deadLetters)
	api.Handle("/v1/dead-letters/", rs.deadLetters)
	return &api
}

func noSuchRoute() httpapi.Problem {
	return httpapi.Problem{Status: http.StatusNotFound, Detail: "there is no such route"}
}

// ofKnownRoute answers with next, unless the query names a route that is not there.
func (rs *Routes) ofKnownRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name := req.URL.Query().Get("route")
		if name != "" && rs.fallbackCalled(name) == nil && !slices.ContainsFunc(rs.all, func(r *Route) bool { return r.publicName() == name }) {
			noSuchRoute().Write(w)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// pausing pauses the route of the path, or ends that.
func (rs *Routes) pausing(paused bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name := req.PathValue("route")
		for _, r := range rs.all {
			if r.publicName() == name {
				r.pause(paused)
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if rs.fallbackCalled(name) != nil {
			httpapi.Problem{Status: http.StatusConflict, Detail: "the route receives nothing: others fall back to it"}.Write(w)
			return
		}
		noSuchRoute().Write(w)
	})
}

func (rs *Routes) states() []state.Route {
	var all []state.Route
	for _, l := range rs.listed {
		all = append(all, l.state())
	}
	return all
}

// publicName is what the route is called where one is asked for by name.
func (r *Route) publicName() string { return r.config.PublicName() }
