package workerapi

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"carrier/internal/httpapi"
	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/runtimeapi"
)

// drainedRetry is the Retry-After of a server that drains, in seconds: by then another program may
// listen on the address.
const drainedRetry = "5"

// handler answers every request.
func (s *Server) handler() http.Handler {
	var mux httpapi.Mux
	for _, r := range s.o.Routes {
		if r.Asked {
			s.handle(&mux, r)
		}
	}
	if s.hasNames() {
		s.runtime.HandleAnswers(&mux, "")
	}
	mux.Handle("POST /v1/settle", http.HandlerFunc(s.settle))
	mux.Handle("POST /v1/messages/{token}/{verdict}", http.HandlerFunc(s.verdict))
	return s.guarded(&mux)
}

// handle adds the paths by which messages of r are taken.
func (s *Server) handle(mux *httpapi.Mux, r Route) {
	prefix := "/v1"
	if r.Name != "" {
		prefix += "/routes/" + r.Name
	}
	mux.Handle("GET "+prefix+"/next", s.asking(r, s.next))
	mux.Handle("POST "+prefix+"/pull", s.asking(r, s.pull))
	mux.Handle("GET "+prefix+"/stream", s.asking(r, s.stream))
	s.handleFunctions(mux, prefix, r)
}

// asking is the handler of a path by which messages of route are taken.
func (s *Server) asking(route Route, take func(Route, http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // which the mux takes for GET: the message would be lost
			httpapi.Problem{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {http.MethodGet}}}.Write(w)
			return
		}
		take(route, w, r)
	})
}

// guarded lets only those requests through that may be made.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(callTimeout))
		switch {
		case len(r.Header.Values("Origin")) > 0:
			httpapi.Problem{Status: http.StatusForbidden, Detail: "a request with Origin comes from a browser"}.Write(w)
		case !s.socket && !httpapi.HasLocalHost(r, s.o.Hosts):
			httpapi.Problem{Status: http.StatusForbidden, Detail: "the Host is neither an address nor localhost, and not in CARRIER_WORKER_HOSTS"}.Write(w)
		case s.o.Token != "" && !httpapi.HasBearer(r, s.o.Token):
			unauthorized(r).Write(w)
		case s.namesNoRoute(r) && isFunctions(r):
			httpapi.Problem{Status: http.StatusNotFound, Detail: "a route has to be named: AWS_LAMBDA_RUNTIME_API=HOST:PORT/v1/routes/{route}"}.Write(w)
		case s.namesNoRoute(r):
			httpapi.Problem{Status: http.StatusNotFound, Detail: "a route has to be named: /v1/routes/{route}/next"}.Write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// namesNoRoute reports whether r asks for messages without naming a route, where routes have names.
func (s *Server) namesNoRoute(r *http.Request) bool {
	asks := r.URL.Path == "/v1/next" || r.URL.Path == "/v1/pull" || r.URL.Path == "/v1/stream" || r.URL.Path == runtimeapi.Base+"invocation/next"
	return asks && (len(s.o.Routes) == 0 || s.hasNames())
}

// hasNames reports whether the routes have names.
func (s *Server) hasNames() bool { return len(s.o.Routes) > 0 && s.o.Routes[0].Name != "" }

// drained is the answer to those that ask while the program drains.
func drained() *httpapi.Problem {
	return &httpapi.Problem{
		Status: http.StatusServiceUnavailable, Detail: "draining: no more messages are handed over",
		Header: http.Header{"Retry-After": {drainedRetry}},
	}
}

// busy is the answer where there are too many of something; what names it.
func busy(what string) *httpapi.Problem {
	return &httpapi.Problem{Status: http.StatusServiceUnavailable, Detail: what, Header: http.Header{"Retry-After": {"1"}}}
}

// invalid is the answer to a request that says something that it may not; what names it.
func invalid(what ...string) *httpapi.Problem {
	return &httpapi.Problem{Status: http.StatusBadRequest, Detail: strings.Join(what, "")}
}

// refused is the answer to a verdict that ended with err.
func refused(err error) httpapi.Problem {
	p := httpapi.Problem{Type: "urn:carrier:" + err.Error(), Status: http.StatusNotFound, Detail: "no message has this token, or its end is forgotten"}
	switch {
	case errors.Is(err, handoff.ErrLeaseEnded):
		p.Status, p.Detail = http.StatusGone, "lease-ended: the time for the message was over, and it is delivered again"
	case errors.Is(err, handoff.ErrOtherVerdict):
		p.Status, p.Detail = http.StatusConflict, "another verdict was given before"
	case errors.Is(err, handoff.ErrUnconfirmed):
		p.Status, p.Detail = http.StatusGatewayTimeout, "the source has not agreed yet: ask again with the same token"
	}
	return p
}
