package route

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch/share"
	"carrier/internal/deadletter/adminapi"
	"carrier/internal/observe/admin"
	"carrier/internal/observe/metrics"
	"carrier/internal/observe/trail"
	"carrier/internal/route/state"
	"carrier/internal/sleep"
	"carrier/receiver/builtin"
	"carrier/transmitter"
	"carrier/transmitter/handoff/workerapi"
)

// Routes are all routes of a process.
type Routes struct {
	all       []*Route // those that receive
	fallbacks []*fallback
	listed    []listed // all, in the order of the configuration
	log       *zap.Logger
	trail     *trail.Trail

	deadLetters *adminapi.API
	consumers   *consumers
	workerAPI   *workerapi.Server // nil where there is none
}

// A listed is a route, whether it receives or not, as people are told of it.
type listed interface {
	state() state.Route
	announce()
	ready() admin.Route
}

// New assembles the routes of c. It dials nothing. Its errors are faults of the configuration, or
// name a receiver that is not in this binary.
func New(c config.Config, o Options) (*Routes, error) {
	routes := &Routes{log: o.Log, trail: o.Trail, consumers: &consumers{listens: c.Worker.Address != ""}}
	o.consumers, o.gathering = routes.consumers, &transmitter.Gathering{}
	var of []builtin.Route
	for i := range c.Routes {
		rc := &c.Routes[i] // large, and kept once
		if rc.IsFallback() {
			f, err := newFallback(rc, o)
			if err != nil {
				return nil, err
			}
			routes.fallbacks, routes.listed = append(routes.fallbacks, f), append(routes.listed, f)
			continue
		}
		r, err := begin(rc, o)
		if err != nil {
			return nil, err
		}
		routes.all, routes.listed = append(routes.all, r), append(routes.listed, r)
		of = append(of, r.forBuiltin())
	}
	sources, err := builtin.New(c, of, builtin.Options{
		Answered: answered(o), Kept: kept(c, o.Metrics), Log: o.Log, Agent: "carrier/" + o.Version,
		TryQueueFile: o.TryQueueFile, OnBroken: o.OnBroken,
	})
	if err != nil {
		return nil, err
	}
	members := sharing(routes.all, c.MaxInFlight)
	for i, r := range routes.all {
		var fallbacks []*fallback
		for _, name := range r.config.Fallback.Names {
			fallbacks = append(fallbacks, routes.fallbackCalled(name))
		}
		if err := r.assemble(sources[i], members[i], fallbacks, c); err != nil {
			return nil, err
		}
	}
	for _, source := range sources {
		if source.Ingest != nil { // the server is the same for all of them
			o.Metrics.WatchProducers(source.Ingest)
			break
		}
	}
	routes.deadLetters = newDeadLetters(routes.all)
	return routes, nil
}

// answered counts the answers to producers. What they send makes a heap grow, also where no route
// receives it: it is in a queue elsewhere, or its worker is away.
func answered(o Options) func(status int) {
	return func(status int) {
		o.Metrics.IngestRequest(status)
		o.Received(1)
	}
}

// kept counts what becomes of producers' messages that go to a queue; nil where they do not.
func kept(c config.Config, m *metrics.Process) func(word string) {
	if c.Ingest.Store == config.StoreFile || !c.Receives(config.Ingest) {
		return nil
	}
	return m.WatchStore(builtin.Kept()).Kept
}

// fallbackCalled is the fallback of that name; nil where there is none.
func (rs *Routes) fallbackCalled(name string) *fallback {
	i := slices.IndexFunc(rs.fallbacks, func(f *fallback) bool { return f.config.Name == name })
	if i < 0 {
		return nil
	}
	return rs.fallbacks[i]
}

// sharing is each route's part in the places of CARRIER_MAX_IN_FLIGHT; all nil where it is off.
func sharing(routes []*Route, maxInFlight int) []*share.Member {
	members := make([]*share.Member, len(routes))
	if maxInFlight == 0 {
		return members
	}
	pool := share.New(maxInFlight)
	for i, r := range routes {
		members[i] = pool.Member(r.config.Weight)
	}
	return members
}

// apart is how long after one route the next one begins: many that look for their queues at once would
// leave memory in pieces, and come to the service in one burst.
const apart = 5 * time.Millisecond

// Run moves the messages of all routes until receiving ends, and drains all at once. It returns when
// the last route is drained: nil, or the first error of a source that cannot be used. That ends its
// own route alone; failed is called for it then, which ends receiving, so that the others drain.
func (rs *Routes) Run(receiving context.Context, failed func(error)) error {
	ended := make(chan error, len(rs.all))
	for i, r := range rs.all {
		if i > 0 {
			sleep.For(receiving, apart, nil)
		}
		go func() { ended <- r.run(receiving) }()
	}
	var first error
	for range rs.all {
		err := <-ended
		if err != nil && first == nil {
			first = err
			failed(err)
		}
	}
	return first
}

// Watch looks after the ends of all routes, such as by health checks, until ctx ends.
func (rs *Routes) Watch(ctx context.Context) {
	var all []func(context.Context)
	for _, r := range rs.all {
		all = append(all, r.worker.run...)
	}
	for _, f := range rs.fallbacks {
		all = append(all, f.end.run...)
	}
	allAtOnce(ctx, all)
}

// RunStats logs a statistics line of each route at every interval until ctx ends.
func (rs *Routes) RunStats(ctx context.Context, every time.Duration) {
	rs.eachAtOnce(func(r *Route) { r.audit.RunStats(ctx, every, r.dispatcher.InFlight) })
}

// eachAtOnce calls do for all routes, and waits until all calls have returned.
func (rs *Routes) eachAtOnce(do func(*Route)) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, r := range rs.all {
		all.Go(func() { do(r) })
	}
}

// StopAccepting refuses new messages from producers, and hands no more over to consumers that ask.
func (rs *Routes) StopAccepting() {
	if rs.workerAPI != nil {
		rs.workerAPI.Drain()
	}
	for _, r := range rs.all {
		if r.source.StopAccepting != nil {
			r.source.StopAccepting()
		}
	}
}

// Live returns an error when a route is stuck, which names it. It is safe for concurrent use.
func (rs *Routes) Live() error {
	var errs []error
	for _, r := range rs.all {
		if err := r.dispatcher.Live(); err != nil {
			errs = append(errs, r.named(err))
		}
	}
	return errors.Join(errs...)
}

// Readiness is what stands in the way of each route's readiness.
func (rs *Routes) Readiness() admin.Routes {
	var all admin.Routes
	for _, l := range rs.listed {
		all = append(all, l.ready())
	}
	return all
}

func (r *Route) ready() admin.Route {
	return admin.Route{Name: r.config.Name, Counts: r.config.Readiness, Readiness: r.readiness}
}

func (f *fallback) ready() admin.Route {
	return admin.Route{Name: f.config.Name, Counts: f.config.Readiness, Readiness: f.readiness}
}

// Announce logs what the process and its routes were told. What they find is logged when a source is
// reached.
func (rs *Routes) Announce(version, adminAddress string) {
	if first := rs.all[0]; first.config.Name == "" {
		first.announceIn(rs.log.With(zap.String("version", version)), "starting", zap.String("admin", adminAddress))
		return
	}
	var names []string
	for _, l := range rs.listed {
		names = append(names, l.ready().Name)
	}
	rs.log.Info("starting", zap.String("version", version), zap.Strings("routes", names), zap.String("admin", adminAddress))
	for _, l := range rs.listed {
		l.announce()
	}
}

// Close closes sources and workers. It is called once Run has returned.
func (rs *Routes) Close() {
	if err := rs.deadLetters.Close(); err != nil {
		rs.log.Warn("closing the dead letters failed", zap.Error(err))
	}
	for _, r := range rs.all {
		r.close()
	}
	for _, f := range rs.fallbacks {
		f.end.stop()
	}
}
