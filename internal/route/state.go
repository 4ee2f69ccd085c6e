package route

import (
	"strings"
	"time"

	"carrier/config"
	"carrier/internal/route/state"
)

// state is what r does at this moment.
func (r *Route) state() state.Route {
	received, settled := r.audit.Totals()
	s := state.Route{
		Name: r.publicName(), Receiver: r.config.Receiver, Source: sourceName(r.config),
		InFlight: r.dispatcher.InFlight(), Limit: r.config.Concurrency, Received: received, Settled: settled, Fallback: r.config.Fallback.Names,
	}
	reasons := r.readiness.Reasons()
	describe(&s, r.worker.end, reasons)
	if r.paused.Load() {
		s.State = "paused"
	}
	if _, draining := reasons["draining"]; draining {
		s.State = "draining"
	}
	if r.source.Ingest != nil {
		q := r.source.Ingest()
		s.Queued, s.DeadLetters = q.Messages, q.DeadLetters
		if !q.Oldest.IsZero() {
			s.OldestSeconds = int64(max(time.Since(q.Oldest), 0) / time.Second)
		}
	}
	return s
}

// sourceName names the source of r as X-Carrier-Source does.
func sourceName(r *config.Route) string {
	switch {
	case r.Receiver == config.SQS && r.SQS.QueueName != "":
		return r.SQS.QueueName
	case r.Receiver == config.SQS:
		return r.SQS.QueueURL[strings.LastIndex(r.SQS.QueueURL, "/")+1:]
	case r.Receiver == config.PubSub:
		return r.PubSub.Subscription
	case r.Receiver == config.NATS:
		return r.NATS.Stream + "/" + r.NATS.Consumer
	default:
		return r.Receiver
	}
}
