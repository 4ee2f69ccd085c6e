package route

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/observe/metrics"
	"carrier/internal/route/workerup"
	"carrier/internal/tracing"
	"carrier/transmitter"
	"carrier/transmitter/handoff"
)

// An end is what stands at the end of a route: it hands each message to whoever does the work. What
// decides over the message (attempts, age, backoff) is wrapped around it by the worker.
type end struct {
	// places are where messages go, for people, in the order in which they are tried. They hold no
	// secret.
	places []string
	// ways are the transmitters to the places, in the same order; at least one. Each holds messages
	// while its place cannot be reached, and has its own breaker, if it has one.
	ways []transmitter.Transmitter
	// gates close all ways together, such as a health check; limits bound them, such as a rate. They
	// may be wrapped around several transmitters, and are the same for all of these then.
	gates, limits []transmitter.Middleware
	// open is how many ways have an open breaker.
	open atomic.Int32
	// run holds what looks after the end until its ctx ends, each of which is called once.
	run []func(ctx context.Context)
	// posts are those of the ways whose POSTs have tokens.
	posts []*handoff.Late
	// close is called once nothing is transmitted any more; nil means that nothing is to be done.
	close func()
}

// allLayers are what limits all ways together, the outermost first.
func (e *end) allLayers() []transmitter.Middleware { return slices.Concat(e.gates, e.limits) }

// stop releases what the end holds.
func (e *end) stop() {
	if e.close != nil {
		e.close()
	}
}

// String names the places, comma-separated.
func (e *end) String() string { return strings.Join(e.places, ",") }

// A site is what an end is told of where it stands.
type site struct {
	config  *config.Route
	version string
	log     *zap.Logger
	metrics *metrics.Metrics
	tracer  *tracing.Tracer // nil makes no spans
	// channel is the name of the route where CARRIER_FALLBACK names it, and empty where it receives
	// the messages itself.
	channel string
	// consumers has the tables of the process, and asked is called when a consumer asks for a message
	// of this end; nil where nobody wants to know.
	consumers *consumers
	asked     func()
	// gathering is where the messages of a batch meet that go to a webhook together.
	gathering *transmitter.Gathering
	// forwarding is the queue that messages go to, where the route has made it already.
	forwarding *forwarding
	// status is told whether messages can be handed over.
	status *workerup.Status
}

// reach makes the end that s describes. It dials nothing. Its errors are faults of the configuration.
func reach(s site) (*end, error) {
	switch s.config.Transmitter {
	case config.Webhook:
		return reachWebhook(s)
	case config.Pull, config.Stream:
		return reachConsumers(s)
	case config.Forward:
		return reachForward(s)
	default:
		return nil, fault(s.config.Variable("CARRIER_TRANSMITTER"), fmt.Errorf("%s is not in this binary", s.config.Transmitter))
	}
}
