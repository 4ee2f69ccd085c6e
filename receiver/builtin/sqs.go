//go:build !nosqs

package builtin

import (
	"context"

	"carrier/publisher"
	publishsqs "carrier/publisher/sqs"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/deadletter"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs"
	"carrier/receiver/sqs/api"
	"carrier/receiver/sqs/deadletters"
)

func sqsKind() *kind {
	return &kind{operations: sqs.Operations(), build: buildAllSQS, deadLetters: sqsDeadLetters}
}

// buildAllSQS makes the receivers of routes, which share what is the same for all queues of a service.
func buildAllSQS(_ config.Config, routes []Route, o Options) ([]Assembled, error) {
	shared := &api.Shared{}
	all := make([]Assembled, len(routes))
	for i := range routes {
		all[i] = buildSQS(&routes[i], shared, o)
	}
	return all, nil
}

func buildSQS(c *Route, shared *api.Shared, o Options) Assembled {
	options := sqsOptions(c.Route, o)
	options.Shared, options.Observer = shared, c.Observer
	options.Warn = func(w sqs.Warning) {
		fields := []zap.Field{zap.Error(w.Err)}
		if w.MessageID != "" {
			fields = append(fields, zap.String("message_id", w.MessageID))
		}
		c.Log.Warn(w.Text, fields...)
	}
	r := sqs.New(options)
	opened := deadLettering{Receiver: r, wanted: c.RejectAction == config.DeadLetter, known: r.DeadLetterKnown, route: c.Route}
	return Assembled{
		Receiver:       opened,
		Batch:          c.SQS.BatchSize,
		Receives:       c.SQS.Receivers,
		Facts:          r.Facts,
		CountsReceives: r.CountsReceives,
		DeadLetters:    func(ctx context.Context) (deadletter.Store, error) { return sqsDeadLetters(ctx, c.Route, o) },
		Check:          withOpen(opened, func(ctx context.Context) []preflight.Finding { return r.Check(ctx, c.Webhook.RequestTimeout) }),
	}
}

// sqsOptions says which queue the route's is.
func sqsOptions(c *config.Route, o Options) sqs.Options {
	return sqs.Options{
		QueueName:          c.SQS.QueueName,
		QueueURL:           c.SQS.QueueURL,
		QueueOwner:         c.SQS.QueueOwner,
		Endpoint:           c.SQS.Endpoint,
		BatchSize:          c.SQS.BatchSize,
		VisibilityTimeout:  c.SQS.VisibilityTimeout,
		WaitTime:           c.SQS.WaitTime,
		DeadLetterQueueURL: c.SQS.DeadLetterQueueURL,
		UserAgent:          o.Agent,
	}
}

// sqsDeadLetters opens the store of the route's dead letters.
func sqsDeadLetters(ctx context.Context, c *config.Route, o Options) (deadletter.Store, error) {
	s, notices, err := deadletters.Open(ctx, sqsOptions(c, o))
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		o.Log.Warn("dead letters: "+n.Text, zap.Error(n.Err))
	}
	return s, nil
}

// deadLettering ends the start of a receiver that is to send dead letters and
// knows no place for them: only the source can tell, when it is opened.
type deadLettering struct {
	receiver.Receiver
	wanted bool
	known  func() bool
	route  *config.Route
}

// Open opens the receiver. Its error holds config.Faults where the configuration
// asks for what the queue does not have.
func (d deadLettering) Open(ctx context.Context) error {
	if err := d.Receiver.Open(ctx); err != nil {
		return err
	}
	if !d.wanted || d.known() {
		return nil
	}
	return &receiver.Error{Operation: "open", Class: receiver.Invalid, Err: config.Faults{{
		Variable: d.route.Variable("CARRIER_REJECT_ACTION"), Value: `"dead-letter"`,
		Want: "needs a queue for dead letters: a redrive policy that carrier may read, or " + d.route.Variable("CARRIER_DEAD_LETTER_QUEUE_URL"),
	}}}
}

func sqsEngine() *engine {
	return &engine{most: 10, calls: 8, build: func(t config.Target, agent string, log *zap.Logger) publisher.Publisher {
		return publishsqs.New(publishsqs.Options{
			QueueName: t.SQS.QueueName, QueueURL: t.SQS.QueueURL, QueueOwner: t.SQS.QueueOwner, Endpoint: t.SQS.Endpoint,
			UserAgent: agent, Warn: warnOf(log),
		})
	}}
}
