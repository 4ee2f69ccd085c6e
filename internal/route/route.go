// Package route assembles routes and runs them in one process. A route is a receiver, a policy and a
// transmitter, with a dispatcher of its own between them, so that one that is slow keeps no other one
// waiting.
package route

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch"
	"carrier/dispatch/share"
	"carrier/internal/observe/admin"
	"carrier/internal/observe/audit"
	"carrier/internal/observe/metrics"
	"carrier/internal/observe/trail"
	"carrier/internal/route/idle"
	"carrier/internal/tracing"
	"carrier/receiver"
	"carrier/receiver/builtin"
	"carrier/transmitter"
)

// Options is what all routes of a process are made with.
type Options struct {
	Version string
	Log     *zap.Logger
	Metrics *metrics.Process
	Trail   *trail.Trail
	// Tracer makes a span of each attempt; nil makes none.
	Tracer *tracing.Tracer
	// Received is called with the number of messages that came, after each receive of any route, and with
	// one after each answer to a producer. It is safe for concurrent use.
	Received func(messages int)
	// OnBroken and TryQueueFile are those of builtin.Options.
	OnBroken     func(error)
	TryQueueFile func(path string) error

	consumers *consumers             // set by New
	gathering *transmitter.Gathering // likewise
}

// A Route is one route that is assembled.
type Route struct {
	config     *config.Route
	version    string
	log        *zap.Logger
	audit      *audit.Audit
	metrics    *metrics.Metrics
	trail      *trail.Route
	readiness  *admin.Readiness
	consumers  *consumers
	gathering  *transmitter.Gathering
	tracer     *tracing.Tracer
	forwarding *forwarding // nil where messages go to no queue
	received   func(messages int)
	idle       idle.Watch
	source     builtin.Assembled
	worker     *worker
	dispatcher *dispatch.Dispatcher
	paused     atomic.Bool
}

// begin makes what the receiver of c tells of what it does, and the queue that its messages go to. Its
// errors are faults of the configuration.
func begin(c *config.Route, o Options) (r *Route, err error) {
	r = &Route{config: c, version: o.Version, log: o.Log, readiness: admin.NewReadiness(), tracer: o.Tracer, received: o.Received, consumers: o.consumers, gathering: o.gathering}
	r.trail = o.Trail.Route(r.publicName())
	if c.Name != "" {
		r.log = o.Log.With(zap.String("route", c.Name))
	}
	r.audit = audit.New(r.log, func() []receiver.Fact { return r.source.Facts() })
	r.metrics = o.Metrics.Route(metrics.Options{
		Route: c.Name, Receiver: c.Receiver, Concurrency: c.Concurrency,
		Operations: builtin.Operations(c.Receiver), Duplicates: builtin.Duplicates(c.Receiver),
	})
	r.readiness.Set("worker", "not reached yet")
	if c.Forwards() {
		r.forwarding, err = newForwarding(c, o.Version, r.log, r.metrics)
	}
	return r, err
}

// forBuiltin is the route as its receiver is made of it.
func (r *Route) forBuiltin() builtin.Route {
	b := builtin.Route{Route: r.config, Observer: r.metrics, Log: r.log}
	if r.forwarding != nil {
		b.Queue = r.forwarding.target
	}
	return b
}

// assemble puts the rest around source. member is its part in what the workers of all routes may
// hold; nil sets no limit. It dials nothing.
func (r *Route) assemble(source builtin.Assembled, member *share.Member, fallbacks []*fallback, c config.Config) error {
	r.source = source
	if source.Ingest != nil {
		r.metrics.WatchIngest(source.Ingest)
	}
	if source.DeferralsHeld != nil {
		r.metrics.WatchDeferrals(source.DeferralsHeld)
	}
	var err error
	if r.worker, err = newWorker(r, fallbacks); err != nil {
		return err
	}
	r.dispatcher = dispatch.New(dispatch.Options{
		Receiver: source, Transmitter: r.worker.transmitter,
		Concurrency: r.config.Concurrency, Batch: source.Batch, Receivers: source.Receives,
		Prefetch: int(r.config.Prefetch), DrainTimeout: c.DrainTimeout, Observe: r.observe, Share: member,
		DeferHold: r.deferHold, PerSlot: perSlot(r.config),
	})
	r.metrics.WatchInFlight(r.dispatcher.InFlight)
	r.metrics.WatchParked(r.dispatcher.Parked)
	r.metrics.WatchReceiving(r.dispatcher.Receiving)
	return nil
}

// holdDeferrals is how long a deferral may be that spends no receive of a redrive policy, where the
// configuration does not say.
const holdDeferrals = 30 * time.Second

// deferHold says how long a deferral may be that is waited for under the lease: as long as is
// configured, else holdDeferrals where the source counts receives.
func (r *Route) deferHold() time.Duration {
	switch {
	case r.config.Retry.DeferHold != config.HoldByQueue:
		return r.config.Retry.DeferHold
	case r.source.CountsReceives != nil && r.source.CountsReceives():
		return holdDeferrals
	default:
		return 0
	}
}

// observe tells everybody who counts, logs or answers probes.
func (r *Route) observe(e dispatch.Event) {
	r.metrics.Observe(e)
	r.readiness.Observe(e)
	r.audit.Observe(e)
	r.trail.Observe(e)
	r.consumers.observe(e)
	r.idle.Observe(e)
	if e.Kind == dispatch.Polled {
		r.received(e.Count)
	}
}

// workerChanged tells everybody that the worker at endpoint takes messages, or does not and why.
func (r *Route) workerChanged(endpoint string, up bool, cause error) {
	meanwhile := "none is received until it does"
	if len(r.config.Fallback.Names) > 0 {
		meanwhile = "they wait, and go on to the fallback after CARRIER_CHANNEL_TIMEOUT"
	}
	r.metrics.SetWorkerUp(up)
	r.audit.Worker(endpoint, up, cause, meanwhile)
}

// reachable tells everybody that messages can be handed over, to the route's own worker or to one
// that it falls back to, or that they cannot.
func (r *Route) reachable(up bool) {
	r.readiness.Set("worker", offline(up))
	r.idle.Busy() // nothing was asked for while it was down
	if up {
		r.online()
	}
}

// online tells the source that the route's worker is there.
func (r *Route) online() {
	if r.source.Online != nil {
		r.source.Online()
	}
}

// pause lets no new receive begin, or ends that. What was received goes on.
func (r *Route) pause(paused bool) {
	if r.paused.Swap(paused) == paused {
		return
	}
	r.idle.Busy() // nobody knows what comes meanwhile
	if paused {
		r.dispatcher.Pause()
		r.log.Info("receiving is paused by the admin port")
		return
	}
	r.dispatcher.Resume()
	r.log.Info("receiving goes on")
}

// run moves the route's messages until ctx ends, and drains. Its error names the route.
func (r *Route) run(ctx context.Context) error {
	if err := r.dispatcher.Run(ctx); err != nil {
		return r.named(err)
	}
	return nil
}

func (r *Route) close() {
	if err := r.source.Close(); err != nil {
		r.log.Warn("closing the source failed", zap.Error(err))
	}
	r.worker.end.stop()
}

// announce logs what the route was told.
func (r *Route) announce() { r.announceIn(r.log, "route starting") }

func (r *Route) announceIn(log *zap.Logger, text string, more ...zap.Field) {
	if names := r.config.Fallback.Names; len(names) > 0 {
		more = append(more, zap.Strings("fallback", names))
	}
	log.Info(text, append([]zap.Field{
		zap.String("receiver", r.config.Receiver), zap.Int("concurrency", r.config.Concurrency),
		zap.Stringer("endpoint", r.worker.end),
	}, more...)...)
}

// An Error is one that ends a route with a name.
type Error struct {
	Route string
	Err   error
}

// Error says which route it is.
func (e *Error) Error() string { return "route " + e.Route + ": " + e.Err.Error() }

// Unwrap returns what has ended the route.
func (e *Error) Unwrap() error { return e.Err }

// named is err as one of this route, err itself where the route has no name.
func (r *Route) named(err error) error {
	if r.config.Name == "" {
		return err
	}
	return &Error{Route: r.config.Name, Err: err}
}
