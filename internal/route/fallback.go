package route

import (
	"slices"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/observe/admin"
	"carrier/internal/observe/audit"
	"carrier/internal/observe/metrics"
	"carrier/internal/redact"
	"carrier/internal/route/state"
	"carrier/internal/route/workerup"
	"carrier/receiver"
	"carrier/transmitter"
)

// A fallback is a route that others name in CARRIER_FALLBACK: its end alone, which all of them share.
// What becomes of a message, and what is counted of it, is a matter of the route that received it.
type fallback struct {
	config    *config.Route
	log       *zap.Logger
	audit     *audit.Audit
	metrics   *metrics.Metrics
	readiness *admin.Readiness
	end       *end
	told      []func(up bool, cause error) // complete before the end is watched
}

// newFallback makes the end of c. It dials nothing. Its errors are faults of the configuration.
func newFallback(c *config.Route, o Options) (*fallback, error) {
	f := &fallback{
		config: c, log: o.Log.With(zap.String("route", c.Name)),
		metrics: o.Metrics.Fallback(c.Name), readiness: admin.NewReadiness(),
	}
	f.audit = audit.New(f.log, func() []receiver.Fact { return nil })
	f.readiness.Set("source", "") // it has none
	f.readiness.Set("worker", "not reached yet")
	var err error
	f.end, err = reach(site{
		config: c, version: o.Version, log: f.log, metrics: f.metrics, tracer: o.Tracer, consumers: o.consumers, gathering: o.gathering, channel: c.Name,
		status: workerup.New(f.changed),
	})
	return f, err
}

// tell has told called at every change of whether messages can be handed over.
func (f *fallback) tell(told func(up bool, cause error)) { f.told = append(f.told, told) }

func (f *fallback) changed(up bool, cause error) {
	f.metrics.SetWorkerUp(up)
	f.readiness.Set("worker", offline(up))
	f.audit.Worker(f.end.String(), up, cause, "none goes on to it until it does")
	for _, told := range f.told {
		told(up, cause)
	}
}

// offline is the reason against readiness that a worker is.
func offline(up bool) string {
	if up {
		return ""
	}
	return "offline"
}

func (f *fallback) announce() {
	f.log.Info("fallback route starting", zap.Strings("for", f.config.Fallback.For), zap.Stringer("endpoint", f.end))
}

// state is what f does at this moment.
func (f *fallback) state() state.Route {
	s := state.Route{Name: f.config.Name, FallbackFor: f.config.Fallback.For, Settled: map[string]int64{}}
	describe(&s, f.end, f.readiness.Reasons())
	return s
}

// describe says where messages go, and why they cannot.
func describe(s *state.Route, e *end, reasons map[string]string) {
	s.State, s.Reasons = "up", []string{}
	for i, place := range e.places {
		s.Endpoints = append(s.Endpoints, state.Endpoint{URL: redact.URLs(place), Breaker: transmitter.BreakerState(e.ways[i])})
	}
	for subject, reason := range reasons {
		s.Reasons = append(s.Reasons, subject+" "+reason)
	}
	slices.Sort(s.Reasons)
	if len(reasons) > 0 {
		s.State = "down"
	}
}
