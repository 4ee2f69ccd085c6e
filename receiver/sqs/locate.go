package sqs

import (
	"context"
	"fmt"

	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/api"
)

// A Place is a queue and where its dead letters are.
type Place struct {
	// Client calls the service of the queue at URL. ARN is empty where the queue's attributes may not
	// be read.
	Client   *api.Client
	URL, ARN string
	// DeadClient calls the service of the dead-letter queue at DeadURL; it may be Client.
	DeadClient *api.Client
	DeadURL    string
	// DeadARN is the dead-letter queue that the queue's redrive policy names; empty where it has none.
	DeadARN string
}

// Locate finds the queue that o names and its dead-letter queue, as Open does. Its error wraps
// receiver.ErrNoDeadLetter where there is none. The caller closes the Place.
func Locate(ctx context.Context, o Options) (Place, []preflight.Notice, error) {
	o = o.withDefaults()
	c, notices, err := api.Connect(ctx, o.api())
	if err != nil {
		return Place{}, nil, err
	}
	q, more, err := find(ctx, c, o)
	if err != nil {
		c.Close()
		return Place{}, nil, advise(err, c.Region())
	}
	p := Place{
		Client: c, URL: q.url, ARN: q.attributes["QueueArn"],
		DeadClient: q.deadLetter.client, DeadURL: q.deadLetter.url, DeadARN: q.policy.Target,
	}
	if p.DeadURL == "" {
		p.Close()
		return Place{}, nil, fmt.Errorf("queue %s: %w: it has no redrive policy that may be read, and CARRIER_DEAD_LETTER_QUEUE_URL is not set", q.name, receiver.ErrNoDeadLetter)
	}
	return p, append(notices, more...), nil
}

// Close closes the connections.
func (p Place) Close() {
	if p.DeadClient != nil && p.DeadClient != p.Client {
		p.DeadClient.Close()
	}
	p.Client.Close()
}
