package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"carrier/internal/httpapi"
)

// drainHeader is what a request to drain carries where there is no token.
const drainHeader = "X-Carrier-Drain"

// A route is one path of the port.
type route struct {
	methods []string
	serve   http.HandlerFunc
}

// handler answers every request: the routes, and a problem for everything else.
func handler(o Options) http.Handler {
	read := []string{http.MethodGet, http.MethodHead}
	routes := map[string]route{
		"/livez":  {read, o.livez},
		"/readyz": {read, o.readyz},
		"/drain":  {[]string{http.MethodGet, http.MethodPost}, o.drain},
	}
	if o.Metrics != nil {
		routes["/metrics"] = route{read, o.Metrics.ServeHTTP}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, found := routes[r.URL.Path]
		switch {
		case o.wantsAPI(r):
			o.api(w, r)
		case !found && o.Page != nil:
			o.page(w, r)
		case !found:
			httpapi.Problem{Status: http.StatusNotFound}.Write(w)
		case !slices.Contains(route.methods, r.Method):
			w.Header().Set("Allow", strings.Join(route.methods, ", "))
			httpapi.Problem{Status: http.StatusMethodNotAllowed}.Write(w)
		default:
			route.serve(w, r)
		}
	})
}

func (o Options) livez(w http.ResponseWriter, _ *http.Request) {
	if o.Live != nil {
		if err := o.Live(); err != nil {
			httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}.Write(w)
			return
		}
	}
	httpapi.WriteJSON(w, http.StatusOK, status{live})
}

func (o Options) readyz(w http.ResponseWriter, r *http.Request) {
	reasons, known := o.reasons(r.URL.Query())
	switch {
	case !known:
		httpapi.Problem{Status: http.StatusNotFound, Detail: "there is no such route"}.Write(w)
	case len(reasons) > 0:
		httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: "not ready", Reasons: reasons}.Write(w)
	default:
		httpapi.WriteJSON(w, http.StatusOK, status{"ready"})
	}
}

// reasons returns what stands in the way of the readiness that query asks for: of one route, or of
// the process.
func (o Options) reasons(query url.Values) (reasons map[string]string, known bool) {
	switch {
	case query.Has("route") && o.ReadyOf == nil:
		return nil, false
	case query.Has("route"):
		return o.ReadyOf(query.Get("route"))
	case o.Ready == nil:
		return nil, true
	default:
		return o.Ready(), true
	}
}

func (o Options) drain(w http.ResponseWriter, r *http.Request) {
	if refusal := o.refuseDrain(r); refusal != nil {
		refusal.Write(w)
		return
	}
	// The answer comes when the drain is over, however long that takes.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if o.Drain != nil {
		if err := o.Drain(r.Context(), r.RemoteAddr); err != nil {
			httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: "the drain is not over: " + err.Error()}.Write(w)
			return
		}
	}
	httpapi.WriteJSON(w, http.StatusOK, status{"drained"})
}

// refuseDrain returns the answer to a request that may not drain, nil where it may.
func (o Options) refuseDrain(r *http.Request) *httpapi.Problem {
	if o.Token != "" {
		if httpapi.HasBearer(r, o.Token) {
			return nil
		}
		refusal := httpapi.Unauthorized()
		return &refusal
	}
	if values := r.Header.Values(drainHeader); len(values) == 1 && values[0] == "yes" {
		return nil
	}
	return &httpapi.Problem{Status: http.StatusForbidden, Detail: "draining needs the header " + drainHeader + ": yes"}
}

// live is the status of /livez.
const live = "live"

type status struct {
	Status string `json:"status"`
}
