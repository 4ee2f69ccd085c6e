package route

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch"
	"carrier/message"
	"carrier/transmitter"
)

// A worker is the way to the application: what stands at the end of the route, and what is wrapped
// around that.
type worker struct {
	end         *end
	transmitter transmitter.Transmitter
	run         []func(context.Context)
}

// newWorker makes the worker's side of r. Its errors are faults of the configuration.
func newWorker(r *Route) (*worker, error) {
	c := r.config
	w := &worker{}
	timeouts := transmitter.Timeouts{Message: c.MessageTimeout}
	var err error
	if w.end, err = reach(site{
		config: c, version: r.version, log: r.log, metrics: r.metrics, consumers: r.consumers, asked: r.online,
		until:  func(m *message.Message) time.Time { return timeouts.Until(m, 0, true) },
		status: newWorkerStatus(func(up bool, cause error) { r.workerChanged(w.end.String(), up, cause) }),
	}); err != nil {
		return nil, err
	}
	w.run = w.end.run
	layers := []transmitter.Middleware{
		transmitter.Backoff(transmitter.BackoffOptions{
			Initial: c.Retry.InitialInterval, Multiplier: c.Retry.Multiplier, Max: c.Retry.MaxInterval,
			Jitter: transmitter.Jitter(c.Retry.Jitter), MaxAge: c.MessageTimeout,
		}),
		transmitter.GiveUp(transmitter.GiveUpOptions{
			MaxAttempts: c.Retry.MaxAttempts, MaxAge: c.MessageTimeout, Action: rejectAction(c.RejectAction),
		}),
	}
	if c.Receiver == config.Ingest {
		layers = append(layers, transmitter.UntilFirstSuccess(func(status int) {
			r.log.Warn(fmt.Sprintf("the worker answered %d and has accepted nothing yet: does %s have the right path?"+
				" Until the first success such messages are tried again", status, c.Variable("CARRIER_WEBHOOK_ENDPOINT")), zap.Stringer("endpoint", w.end))
		}))
	}
	w.transmitter = transmitter.Wrap(w.over(w.end, r.observe), layers...)
	return w, nil
}

// over hands each message to the first of e's ways that takes it. observe is told of the attempts at
// the others.
func (w *worker) over(e *end, observe func(dispatch.Event)) transmitter.Transmitter {
	if len(e.ways) == 1 {
		return transmitter.Wrap(e.ways[0], e.layers...)
	}
	failover := transmitter.NewFailover(transmitter.FailoverOptions{
		Endpoints: e.ways,
		Attempted: func(m *message.Message, o message.Outcome) {
			observe(dispatch.Event{Kind: dispatch.Attempted, Message: m, Outcome: o, Took: o.Took})
		},
	})
	w.run = append(w.run, failover.Run)
	return transmitter.Wrap(failover, e.layers...)
}

// watch looks after what stands at the end of the route until ctx ends.
func (w *worker) watch(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, run := range w.run {
		all.Go(func() { run(ctx) })
	}
}

func (w *worker) close() {
	if w.end.close != nil {
		w.end.close()
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
