package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

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
		case !found:
			problem{Status: http.StatusNotFound}.write(w)
		case !slices.Contains(route.methods, r.Method):
			w.Header().Set("Allow", strings.Join(route.methods, ", "))
			problem{Status: http.StatusMethodNotAllowed}.write(w)
		default:
			route.serve(w, r)
		}
	})
}

func (o Options) livez(w http.ResponseWriter, _ *http.Request) {
	if o.Live != nil {
		if err := o.Live(); err != nil {
			problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}.write(w)
			return
		}
	}
	writeJSON(w, http.StatusOK, status{"live"})
}

func (o Options) readyz(w http.ResponseWriter, _ *http.Request) {
	if o.Ready != nil {
		if reasons := o.Ready(); len(reasons) > 0 {
			problem{Status: http.StatusServiceUnavailable, Detail: "not ready", Reasons: reasons}.write(w)
			return
		}
	}
	writeJSON(w, http.StatusOK, status{"ready"})
}

func (o Options) drain(w http.ResponseWriter, r *http.Request) {
	if !o.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="carrier"`)
		problem{Status: http.StatusUnauthorized}.write(w)
		return
	}
	// The answer comes when the drain is over, however long that takes.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if o.Drain != nil {
		if err := o.Drain(r.Context()); err != nil {
			problem{Status: http.StatusServiceUnavailable, Detail: "the drain is not over: " + err.Error()}.write(w)
			return
		}
	}
	writeJSON(w, http.StatusOK, status{"drained"})
}

// authorized compares digests, so that neither the token's bytes nor its length shows in
// the time it takes.
func (o Options) authorized(r *http.Request) bool {
	if o.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(o.Token)), sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

type status struct {
	Status string `json:"status"`
}

// A problem is an RFC 9457 answer; its title is the status's own.
type problem struct {
	Title   string            `json:"title"`
	Status  int               `json:"status"`
	Detail  string            `json:"detail,omitempty"`
	Reasons map[string]string `json:"reasons,omitempty"`
}

func (p problem) write(w http.ResponseWriter) {
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	writeJSON(w, p.Status, p)
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// The status is out, and there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(body)
}
