//go:build !nosqs

package builtin

import (
	"context"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs"
)

func sqsKind() *kind { return &kind{operations: sqs.Operations(), build: each(buildSQS)} }

func buildSQS(c Route, o Options) Assembled {
	r := sqs.New(sqs.Options{
		QueueName:          c.SQS.QueueName,
		QueueURL:           c.SQS.QueueURL,
		QueueOwner:         c.SQS.QueueOwner,
		Endpoint:           c.SQS.Endpoint,
		BatchSize:          c.SQS.BatchSize,
		VisibilityTimeout:  c.SQS.VisibilityTimeout,
		WaitTime:           c.SQS.WaitTime,
		DeadLetterQueueURL: c.SQS.DeadLetterQueueURL,
		UserAgent:          o.Agent,
		Observer:           c.Observer,
		Warn: func(w sqs.Warning) {
			fields := []zap.Field{zap.Error(w.Err)}
			if w.MessageID != "" {
				fields = append(fields, zap.String("message_id", w.MessageID))
			}
			c.Log.Warn(w.Text, fields...)
		},
	})
	opened := deadLettering{Receiver: r, wanted: c.RejectAction == config.DeadLetter, known: r.DeadLetterKnown, route: c.Route}
	return Assembled{
		Receiver:       opened,
		Batch:          c.SQS.BatchSize,
		Receives:       c.SQS.Receivers,
		Facts:          r.Facts,
		CountsReceives: r.CountsReceives,
		Check:          withOpen(opened, func(ctx context.Context) []preflight.Finding { return r.Check(ctx, c.Webhook.RequestTimeout) }),
	}
}

// deadLettering ends the start of a receiver that is to send dead letters and
// knows no place for them: only the source can tell, when it is opened.
type deadLettering struct {
	receiver.Receiver
	wanted bool
	known  func() bool
	route  config.Route
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
