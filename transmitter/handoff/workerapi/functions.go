package workerapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"carrier/internal/httpapi"
	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/runtimeapi"
)

// newRuntime makes Lambda's runtime API.
func (s *Server) newRuntime() *runtimeapi.API {
	warn := s.o.Warn
	if warn == nil {
		warn = func(string) {}
	}
	return runtimeapi.New(runtimeapi.Options{
		Take: func(ctx context.Context, t *handoff.Table, most int, wait, lease time.Duration) ([]handoff.Handed, *httpapi.Problem) {
			return s.take(ctx, t, wish{most: most, wait: wait, lease: lease})
		},
		Draining: s.draining, Closing: s.closing, Warn: warn,
	})
}

// handleFunctions adds the paths of Lambda's runtime API by which messages of r are taken: of a route
// without a name the API's own. Some runtimes leave the path of AWS_LAMBDA_RUNTIME_API out when they
// answer; handler adds the paths for these.
func (s *Server) handleFunctions(mux *httpapi.Mux, prefix string, r Route) {
	if r.Records == 0 {
		return
	}
	if r.Name == "" {
		prefix = ""
	}
	s.runtime.Handle(mux, prefix, runtimeapi.Route{Name: r.Name, Table: r.Table, Records: r.Records, Lease: r.Lease, Shown: r.shown})
}

// isFunctions reports whether r is for Lambda's runtime API.
func isFunctions(r *http.Request) bool { return strings.Contains(r.URL.Path, runtimeapi.Base) }

// unauthorized is the answer to r, which does not have the token.
func unauthorized(r *http.Request) httpapi.Problem {
	p := httpapi.Unauthorized()
	if isFunctions(r) {
		p.Detail += ": Lambda's runtimes send none, and need a loopback address as CARRIER_WORKER_ADDRESS and no CARRIER_WORKER_TOKEN"
	}
	return p
}
