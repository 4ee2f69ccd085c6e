//go:build !nonats

package builtin

import (
	"context"

	"carrier/config"
	"carrier/internal/deadletter"
	"carrier/publisher"
	publishnats "carrier/publisher/nats"

	"go.uber.org/zap"

	"carrier/receiver/nats"
	"carrier/receiver/nats/deadletters"
	"carrier/receiver/preflight"
)

// natsBatch is the most messages asked for in one pull: as many as of SQS, since what waits in
// flight behind a group's head is bounded by it.
const natsBatch = 10

func natsKind() *kind {
	return &kind{operations: nats.Operations(), build: each(buildNATS), deadLetters: natsDeadLetters}
}

func buildNATS(c Route, o Options) Assembled {
	options := natsOptions(c.Route, o)
	options.Observer = c.Observer
	options.Warn = func(messageID, text string, err error) {
		fields := []zap.Field{zap.Error(err)}
		if messageID != "" {
			fields = append(fields, zap.String("message_id", messageID))
		}
		c.Log.Warn(text, fields...)
	}
	r := nats.New(options)
	return Assembled{
		Receiver:       r,
		Batch:          natsBatch,
		Facts:          r.Facts,
		CountsReceives: r.CountsReceives,
		DeadLetters:    func(ctx context.Context) (deadletter.Store, error) { return natsDeadLetters(ctx, c.Route, o) },
		Check: withOpen(r, func(ctx context.Context) []preflight.Finding {
			return r.Check(ctx, c.Webhook.RequestTimeout, c.Concurrency)
		}),
	}
}

// natsOptions says which consumer the route's is.
func natsOptions(c *config.Route, o Options) nats.Options {
	return nats.Options{
		URL:               c.NATS.URL,
		Stream:            c.NATS.Stream,
		Consumer:          c.NATS.Consumer,
		CredentialsFile:   c.NATS.CredentialsFile,
		Token:             c.NATS.Token.Reveal,
		CAFile:            c.NATS.CAFile,
		ClientCertFile:    c.NATS.ClientCertFile,
		ClientKeyFile:     c.NATS.ClientKeyFile,
		DeadLetterSubject: c.NATS.DeadLetterSubject,
		Ordered:           c.NATS.Ordered,
		UserAgent:         o.Agent,
	}
}

// natsDeadLetters opens the store of the route's dead letters.
func natsDeadLetters(ctx context.Context, c *config.Route, o Options) (deadletter.Store, error) {
	options := natsOptions(c, o)
	options.Warn = func(_, text string, err error) { o.Log.Warn("dead letters: "+text, zap.Error(err)) }
	return deadletters.Open(ctx, options)
}

// natsEngine publishes each message by itself: the connection is shared, and no call is saved.
func natsEngine() *engine {
	return &engine{most: 1, calls: 256, build: func(t config.Target, agent string, log *zap.Logger) publisher.Publisher {
		return publishnats.New(publishnats.Options{
			URL: t.NATS.URL, Subject: t.NATS.Subject, CredentialsFile: t.NATS.CredentialsFile, Token: t.NATS.Token.Reveal,
			CAFile: t.NATS.CAFile, ClientCertFile: t.NATS.ClientCertFile, ClientKeyFile: t.NATS.ClientKeyFile,
			UserAgent: agent, Warn: warnOf(log),
		})
	}}
}
