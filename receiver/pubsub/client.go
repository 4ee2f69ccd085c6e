package pubsub

import (
	"context"

	"carrier/receiver/preflight"
	"carrier/receiver/pubsub/api"
)

// Operations lists every operation that an Observer is told of, for metrics that are there from the
// start.
func Operations() []string { return api.Operations() }

// A client makes the calls for one subscription.
type client struct {
	*api.Client
	subscription string // the full path, set by find
	topic        string // that of dead letters, set by findTopic; may be empty
}

// connect assembles a client from o and the environment. It does not call Pub/Sub.
func connect(ctx context.Context, o Options) (*client, []preflight.Notice, error) {
	c, notices, err := api.Connect(ctx, api.Options{
		Endpoint: o.Endpoint, Project: o.Project, FindProject: !subscriptionPath.MatchString(o.Subscription),
		UserAgent: o.UserAgent, Observer: o.Observer, Dial: o.dial, TokenClient: o.tokenClient,
	})
	if err != nil {
		return nil, nil, err
	}
	return &client{Client: c}, notices, nil
}

// do makes one call about the subscription, as receiver.Do does.
func do[Out any](ctx context.Context, c *client, operation string, call func(context.Context) (Out, error)) (Out, error) {
	return api.Do(ctx, c.Client, operation, c.subscription, call)
}
