package route

import (
	"context"
	"fmt"
	"sync"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch"
	"carrier/internal/route/workerup"
	"carrier/message"
	"carrier/transmitter"
)

// A worker is the way to the application: what stands at the end of the route, what it falls back to,
// and what is wrapped around that.
type worker struct {
	end         *end
	transmitter transmitter.Transmitter
	run         []func(context.Context)
}

// newWorker makes the worker's side of r. Its errors are faults of the configuration.
func newWorker(r *Route, fallbacks []*fallback) (*worker, error) {
	c := r.config
	w := &worker{}
	reachable := workerup.NewAny(1+len(fallbacks), false, func(up bool, _ error) { r.reachable(up) })
	var err error
	w.end, err = reach(site{
		config: c, version: r.version, log: r.log, metrics: r.metrics, tracer: r.tracer, consumers: r.consumers, gathering: r.gathering, asked: r.online, forwarding: r.forwarding,
		status: workerup.New(func(up bool, cause error) {
			r.workerChanged(w.end.String(), up, cause)
			reachable.Set(0, up, cause)
		}),
	})
	if err != nil {
		return nil, err
	}
	w.run = w.end.run
	for i, f := range fallbacks {
		f.tell(func(up bool, cause error) { reachable.Set(1+i, up, cause) })
	}
	layers := []transmitter.Middleware{
		transmitter.Backoff(transmitter.BackoffOptions{
			Initial: c.Retry.InitialInterval, Multiplier: c.Retry.Multiplier, Max: c.Retry.MaxInterval,
			Jitter: transmitter.Jitter(c.Retry.Jitter), MaxAge: c.MessageTimeout,
		}),
		transmitter.GiveUp(transmitter.GiveUpOptions{
			MaxAttempts: c.Retry.MaxAttempts, MaxAge: c.MessageTimeout, Action: rejectAction(c.RejectAction),
		}),
	}
	if c.Receiver == config.Ingest && !c.Forwards() {
		layers = append(layers, transmitter.UntilFirstSuccess(func(status int) {
			r.log.Warn(fmt.Sprintf("the worker answered %d and has accepted nothing yet: does %s have the right path?"+
				" Until the first success such messages are tried again", status, c.Variable("CARRIER_WEBHOOK_ENDPOINT")), zap.Stringer("endpoint", w.end))
		}))
	}
	layers = append(layers, r.consumers.awaiting()...)
	w.transmitter = transmitter.Wrap(w.channels(r, fallbacks), layers...)
	if perSlot(c) > 1 {
		w.transmitter = r.gathering.Around(w.transmitter)
	}
	return w, nil
}

// channels hands each message to the route's own end, and later to those of the routes it falls back
// to.
func (w *worker) channels(r *Route, fallbacks []*fallback) transmitter.Transmitter {
	timeouts := transmitter.Timeouts{Message: r.config.MessageTimeout, Channel: r.config.Fallback.ChannelTimeout}
	if len(fallbacks) == 0 {
		layers := append(w.end.allLayers(), transmitter.Within(timeouts))
		if len(w.end.ways) == 1 {
			return transmitter.Wrap(w.end.ways[0], layers...)
		}
		return transmitter.Wrap(w.failover(w.end, r.observe), layers...)
	}
	all := []transmitter.Channel{w.channel(w.end, r.observe)}
	for _, f := range fallbacks {
		all = append(all, w.channel(f.end, r.observe))
	}
	return transmitter.Channels(timeouts, all...)
}

// channel is the way over e. observe is told of its attempts that failed over.
func (w *worker) channel(e *end, observe func(dispatch.Event)) transmitter.Channel {
	failover := w.failover(e, observe)
	gated := transmitter.Wrap(failover, e.gates...)
	return transmitter.Channel{
		Transmitter: transmitter.Wrap(failover, e.allLayers()...),
		Down: func() bool {
			return failover.Down() || len(e.gates) > 0 && transmitter.Known(context.Background(), gated, 0) == 0
		},
		Open: func() bool { return int(e.open.Load()) == len(e.ways) },
	}
}

// failover hands each message to the first of e's ways that takes it.
func (w *worker) failover(e *end, observe func(dispatch.Event)) *transmitter.Failover {
	failover := transmitter.NewFailover(transmitter.FailoverOptions{
		Endpoints: e.ways,
		Attempted: func(m *message.Message, o message.Outcome) {
			observe(dispatch.Event{Kind: dispatch.Attempted, Message: m, Outcome: o, Took: o.Took})
		},
	})
	w.run = append(w.run, failover.Run)
	return failover
}

// allAtOnce makes all calls at once, and waits until all have returned.
func allAtOnce(ctx context.Context, calls []func(context.Context)) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, call := range calls {
		all.Go(func() { call(ctx) })
	}
}

func rejectAction(name string) message.Action {
	switch name {
	case config.DeadLetter:
		return message.DeadLetter
	case config.Drop:
		return message.Drop
	default:
		return message.Redrive
	}
}

func fault(variable string, err error) error {
	return config.Faults{{Variable: variable, Want: fmt.Sprint(err)}}
}
