package admin

import (
	"net/http"
	"strings"

	"carrier/internal/httpapi"
)

// apiPrefix begins the paths of the API.
const apiPrefix = "/v1/"

// wantsAPI reports whether r is for the API, where there is one.
func (o Options) wantsAPI(r *http.Request) bool {
	return o.API != nil && o.Token != "" && strings.HasPrefix(r.URL.Path, apiPrefix)
}

func (o Options) api(w http.ResponseWriter, r *http.Request) {
	switch {
	case !httpapi.HasLocalHost(r, o.Hosts):
		foreignHost().Write(w)
	case !httpapi.HasBearer(r, o.Token):
		httpapi.Unauthorized().Write(w)
	default:
		o.API.ServeHTTP(w, r)
	}
}

func (o Options) page(w http.ResponseWriter, r *http.Request) {
	switch {
	case !httpapi.HasLocalHost(r, o.Hosts):
		foreignHost().Write(w)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		httpapi.Problem{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {"GET, HEAD"}}}.Write(w)
	default:
		o.Page.ServeHTTP(w, r)
	}
}

func foreignHost() httpapi.Problem {
	return httpapi.Problem{Status: http.StatusForbidden, Detail: "the Host is neither an address nor localhost, and not in CARRIER_ADMIN_HOSTS"}
}

// An API is handlers by the patterns of http.ServeMux, which may be added before it serves. What it
// answers to other requests are problem documents too.
type API struct{ mux http.ServeMux }

// Handle adds a handler.
func (a *API) Handle(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// ServeHTTP answers r.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r) // which sets the path's values
		return
	}
	refused := refusal{header: http.Header{}, status: http.StatusNotFound}
	h.ServeHTTP(&refused, r)
	if refused.status != http.StatusMethodNotAllowed {
		refused.status = http.StatusNotFound
	}
	httpapi.Problem{Status: refused.status, Header: refused.allow()}.Write(w)
}

// A refusal takes the status of an answer and leaves the rest.
type refusal struct {
	header http.Header
	status int
}

// Header is written to and not sent.
func (f *refusal) Header() http.Header { return f.header }

// Write takes nothing.
func (f *refusal) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader keeps the status.
func (f *refusal) WriteHeader(status int) { f.status = status }

func (f *refusal) allow() http.Header {
	if values := f.header.Values("Allow"); len(values) > 0 {
		return http.Header{"Allow": values}
	}
	return nil
}
