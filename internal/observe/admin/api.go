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

// An API is the handlers of the paths that begin with /v1/.
type API = httpapi.Mux
