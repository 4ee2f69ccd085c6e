// Package nats publishes messages to a subject that a stream of NATS JetStream takes. The connection
// is that of receiver/nats/api.
package nats

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/message"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/nats/api"
)

// maxInFlight is the most messages that are published at once by one Publish.
const maxInFlight = 64

// Options says which subject messages go to.
type Options struct {
	// URL is one URL of a server, or a list of them with commas.
	URL string
	// Subject is one that a stream takes.
	Subject string
	// CredentialsFile holds a user's JWT and seed; Token returns a token, and may be nil. Each is
	// asked for at each connect.
	CredentialsFile string
	Token           func() string
	// CAFile holds the authorities to trust in place of the system's. ClientCertFile and
	// ClientKeyFile are given together or not at all.
	CAFile, ClientCertFile, ClientKeyFile string
	// UserAgent is what the server calls the connection, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Observer is told of calls and failures; may be nil.
	Observer receiver.Observer
	// Warn is told what an operator should know and the publisher can do without; err may be nil. It
	// may be nil.
	Warn func(text string, err error)
}

// A Publisher is one subject. It implements publisher.Publisher.
type Publisher struct {
	options Options
	calls   publisher.Calls
	once    jetstream.PublishOpt // the library would try again where nobody listens

	// Set by the Open that succeeds, before any other method is called.
	client *api.Client
	shared bool // the client is another's
	bytes  int
	// subjectOf is where a message goes; nil means that all go to the subject of the options.
	subjectOf func(*message.Message) string
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
	p := &Publisher{options: o, once: jetstream.WithRetryAttempts(0)}
	p.calls = publisher.Calls{Most: 1, AtOnce: maxInFlight, Send: p.send}
	return p
}

// Over returns an opened Publisher for subject that calls over c and leaves it open. bytes is the
// largest message that the server takes, headers included.
func Over(c *api.Client, subject string, bytes int) *Publisher {
	p := New(Options{Subject: subject})
	p.client, p.shared, p.bytes = c, true, bytes
	return p
}

// OverMany is Over for messages that go to subjects of their own.
func OverMany(c *api.Client, subjectOf func(*message.Message) string, bytes int) *Publisher {
	p := Over(c, "", bytes)
	p.subjectOf = subjectOf
	return p
}

// Open reaches the server, and finds the stream that takes the subject and the largest message that
// it holds. Credentials that may only publish are enough. Its errors are classed as a receiver's.
func (p *Publisher) Open(ctx context.Context) error {
	if p.shared {
		return nil
	}
	c, err := api.Connect(ctx, api.Options{
		URL: p.options.URL, CredentialsFile: p.options.CredentialsFile, Token: p.options.Token,
		CAFile: p.options.CAFile, ClientCertFile: p.options.ClientCertFile, ClientKeyFile: p.options.ClientKeyFile,
		Name: p.options.UserAgent, Observer: p.options.Observer, Warn: p.options.Warn,
	})
	if err != nil {
		return err
	}
	bytes, err := p.find(ctx, c)
	if err != nil {
		c.Close()
		return err
	}
	p.client, p.bytes = c, bytes
	return nil
}

// find returns the largest message that the stream takes.
func (p *Publisher) find(ctx context.Context, c *api.Client) (int, error) {
	bytes := int(c.Conn.MaxPayload())
	info, err := api.Do(ctx, c, api.OpInfo, func(ctx context.Context) (*jetstream.StreamInfo, error) {
		name, err := c.JS.StreamNameBySubject(ctx, p.options.Subject)
		if err != nil {
			return nil, err
		}
		stream, err := c.JS.Stream(ctx, name)
		if err != nil {
			return nil, err
		}
		return stream.CachedInfo(), nil
	})
	switch class := receiver.ClassOf(err); {
	case err != nil && class == receiver.Denied:
		p.options.Warn("the streams may not be looked at: whether one takes the subject is not known", err)
		return bytes, nil
	case err != nil:
		return 0, fmt.Errorf("subject %s: %w", p.options.Subject, err)
	}
	if most := int(info.Config.MaxMsgSize); most > 0 {
		bytes = min(bytes, most)
	}
	return bytes, nil
}

// Limits says what the server and the stream take.
func (p *Publisher) Limits() publisher.Limits {
	return publisher.Limits{Bytes: p.bytes, Attributes: maxAttributes, Deduplicates: true, Ordered: true}
}

// Check looks at what NATS and the stream take.
func (p *Publisher) Check(m *message.Message) error { return publisher.Checks(p.check(m)) }

// Publish publishes each message by itself, many at once.
func (p *Publisher) Publish(ctx context.Context, batch []*message.Message) []publisher.Result {
	return publisher.Checked(batch, p.check, func(good []*message.Message) []publisher.Result {
		return p.calls.Publish(ctx, good)
	})
}

// send publishes one message.
func (p *Publisher) send(ctx context.Context, batch []*message.Message) []publisher.Result {
	m, subject := batch[0], p.options.Subject
	if p.subjectOf != nil {
		subject = p.subjectOf(m)
	}
	out := &nats.Msg{Subject: subject, Data: m.Body, Header: headersOf(m)}
	ack, err := api.Do(ctx, p.client, api.OpPublish, func(ctx context.Context) (*jetstream.PubAck, error) {
		return p.client.JS.PublishMsg(ctx, out, p.once)
	})
	switch {
	case err == nil:
		return []publisher.Result{{ID: ack.Stream + ":" + strconv.FormatUint(ack.Sequence, 10), Duplicate: ack.Duplicate}}
	case !api.IsRefusal(err):
		return []publisher.Result{{Err: err}}
	case api.IsTooLarge(err):
		return []publisher.Result{publisher.Refuse(publisher.TooLarge, err)}
	}
	return []publisher.Result{publisher.Refuse(publisher.NotNow, err)}
}

// Close closes the connection, unless it is another's. It may be called without a successful Open,
// and more than once.
func (p *Publisher) Close() error {
	if p.client != nil && !p.shared {
		p.client.Close()
	}
	return nil
}
