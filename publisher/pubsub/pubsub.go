// Package pubsub puts messages into a Google Cloud Pub/Sub topic, or into one of a server that speaks
// its gRPC protocol. The calls are those of receiver/pubsub/api.
package pubsub

import (
	"context"
	"regexp"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"carrier/message"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/pubsub/api"
)

// What Pub/Sub takes. https://cloud.google.com/pubsub/quotas#resource_limits
const (
	// maxBytes is the most bytes of one message, and of all messages of a call: 10 MB, less what a
	// request has beside them.
	maxBytes      = 10_000_000 - 4_000
	maxAttributes = 100
	maxBatch      = 1000
	// overhead is how many bytes a message in a request has beside its body, attributes and key.
	overhead = 64
	// maxInFlight is the most calls open at once for one Publish.
	maxInFlight = 8
)

// topicPath is the full name of a topic.
var topicPath = regexp.MustCompile(`^projects/[^/]+/topics/[^/]+$`)

// Options says which topic messages go to.
type Options struct {
	// Topic is a name, or projects/P/topics/T.
	Topic string
	// Project is the one a Topic without a project is in; empty means the credentials' own.
	Project string
	// Endpoint is where to call, found as for a receiver where it is empty.
	Endpoint string
	// UserAgent is put before gRPC's own, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Observer is told of calls and failures; may be nil.
	Observer receiver.Observer
	// Warn is told what an operator should know and the publisher can do without; err may be nil. It
	// may be nil.
	Warn func(text string, err error)
}

// A Publisher is one topic. It implements publisher.Publisher.
type Publisher struct {
	options Options
	calls   publisher.Calls

	// Set by the Open that succeeds, before any other method is called.
	client *api.Client
	shared bool // the client is another's
	topic  string
}

var _ publisher.Publisher = (*Publisher)(nil)

// New assembles a Publisher. It dials nothing.
func New(o Options) *Publisher {
	if o.Observer == nil {
		o.Observer = receiver.NoObserver{}
	}
	if o.Warn == nil {
		o.Warn = func(string, error) {}
	}
	p := &Publisher{options: o}
	p.calls = publisher.Calls{
		Most: maxBatch, Bytes: maxBytes, Size: func(m *message.Message) int { return sizeOf(m) + overhead },
		// Pub/Sub takes one ordering key in a request.
		GroupsApart: true, AtOnce: maxInFlight, Send: p.send,
	}
	return p
}

// Over returns an opened Publisher for topic, a full name, that calls over c and leaves it open.
func Over(c *api.Client, topic string) *Publisher {
	p := New(Options{})
	p.client, p.shared, p.topic = c, true, topic
	return p
}

// Open finds the credentials and the topic. Credentials that may only publish are enough. Its errors
// are classed as a receiver's.
func (p *Publisher) Open(ctx context.Context) error {
	if p.shared {
		return nil
	}
	c, notices, err := api.Connect(ctx, api.Options{
		Endpoint: p.options.Endpoint, Project: p.options.Project, FindProject: !topicPath.MatchString(p.options.Topic),
		UserAgent: p.options.UserAgent, Observer: p.options.Observer,
	})
	if err != nil {
		return err
	}
	topic, err := TopicPath(p.options.Topic, c.Project)
	if err == nil {
		more, findErr := c.FindTopic(ctx, topic)
		notices, err = append(notices, more...), findErr
	}
	if err != nil {
		c.Close()
		return err
	}
	for _, n := range notices {
		p.options.Warn(n.Text, n.Err)
	}
	p.client, p.topic = c, topic
	return nil
}

// TopicPath is the full name of topic, which is one already or a name in project.
func TopicPath(topic, project string) (string, error) {
	switch {
	case topicPath.MatchString(topic):
		return topic, nil
	case topic == "":
		return "", api.Invalid("no topic is given")
	case strings.Contains(topic, "/"):
		return "", api.Invalid("%q is neither a name nor projects/P/topics/T", topic)
	case project == "":
		return "", api.Invalid("no project for the topic %s: name it as projects/P/topics/T, or name its project", topic)
	}
	return "projects/" + project + "/topics/" + topic, nil
}

// Limits says what a topic takes. That messages of one key come in their order is up to the
// subscription.
func (p *Publisher) Limits() publisher.Limits {
	return publisher.Limits{Bytes: maxBytes, Attributes: maxAttributes, Ordered: true, Marks: marks}
}

// Check looks at what Pub/Sub takes.
func (p *Publisher) Check(m *message.Message) error { return publisher.Checks(check(m)) }

// Publish publishes batch, those without a group up to a thousand in a call, each other one by
// itself.
func (p *Publisher) Publish(ctx context.Context, batch []*message.Message) []publisher.Result {
	return publisher.Checked(batch, check, func(good []*message.Message) []publisher.Result {
		return p.calls.Publish(ctx, good)
	})
}

// send makes one call, which Pub/Sub carries out as a whole or not at all.
func (p *Publisher) send(ctx context.Context, batch []*message.Message) []publisher.Result {
	in := &pubsubpb.PublishRequest{Topic: p.topic, Messages: make([]*pubsubpb.PubsubMessage, len(batch))}
	for i, m := range batch {
		in.Messages[i] = &pubsubpb.PubsubMessage{Data: m.Body, Attributes: attributesOf(m), OrderingKey: m.Group}
	}
	var reached peer.Peer
	out, err := api.Do(ctx, p.client, api.OpPublish, p.topic, func(ctx context.Context) (*pubsubpb.PublishResponse, error) {
		return p.client.Publisher.Publish(ctx, in, grpc.Peer(&reached))
	})
	if err != nil {
		return publisher.Repeat(resultOf(err, reached.Addr != nil), len(batch))
	}
	ids := out.GetMessageIds()
	results := make([]publisher.Result, min(len(ids), len(batch)))
	for i := range results {
		results[i].ID = ids[i]
	}
	return results
}

// resultOf sorts the error of a call. One that had no connection to go over, or that Pub/Sub says
// was not allowed, has published nothing. Of all others nobody knows.
func resultOf(err error, sent bool) publisher.Result {
	switch code := status.Code(err); {
	case !sent, code == codes.ResourceExhausted, code == codes.PermissionDenied, code == codes.Unauthenticated,
		code == codes.NotFound, code == codes.FailedPrecondition, code == codes.Unimplemented:
		return publisher.Refuse(publisher.NotNow, err)
	case code == codes.InvalidArgument, code == codes.OutOfRange:
		return publisher.Refuse(publisher.Unsupported, err)
	}
	return publisher.Result{Err: err}
}

// Close closes the connection, unless it is another's. It may be called without a successful Open,
// and more than once.
func (p *Publisher) Close() error {
	if p.client != nil && !p.shared {
		p.client.Close()
	}
	return nil
}
