//go:build !nopubsub

package builtin

import (
	"context"

	"carrier/config"
	"carrier/publisher"
	publishpubsub "carrier/publisher/pubsub"

	"go.uber.org/zap"

	"carrier/receiver/preflight"
	"carrier/receiver/pubsub"
)

// pubsubBatch is the most messages asked for in one pull: as many as of SQS, since
// what waits in flight behind an ordering key's head is bounded by it.
const pubsubBatch = 10

func pubsubKind() *kind {
	return &kind{operations: pubsub.Operations(), duplicates: pubsub.Duplicates(), build: each(buildPubSub)}
}

func buildPubSub(c Route, o Options) Assembled {
	r := pubsub.New(pubsub.Options{
		Subscription:    c.PubSub.Subscription,
		Project:         c.PubSub.Project,
		Endpoint:        c.PubSub.Endpoint,
		AckDeadline:     c.PubSub.AckDeadline,
		DeadLetterTopic: c.PubSub.DeadLetterTopic,
		UserAgent:       o.Agent,
		Observer:        c.Observer,
		Warn:            func(text string, err error) { c.Log.Warn(text, zap.Error(err)) },
	})
	return Assembled{
		Receiver:       r,
		Batch:          pubsubBatch,
		DeferralsHeld:  func() int64 { return int64(r.DeferralsHeld()) },
		Facts:          r.Facts,
		CountsReceives: r.CountsReceives,
		Check:          withOpen(r, func(ctx context.Context) []preflight.Finding { return r.Check(ctx, c.Webhook.RequestTimeout) }),
	}
}

func pubsubEngine() *engine {
	return &engine{most: 100, calls: 8, build: func(t config.Target, agent string, log *zap.Logger) publisher.Publisher {
		return publishpubsub.New(publishpubsub.Options{
			Topic: t.PubSub.Topic, Project: t.PubSub.Project, Endpoint: t.PubSub.Endpoint, UserAgent: agent, Warn: warnOf(log),
		})
	}}
}
