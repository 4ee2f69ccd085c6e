// Package sqs puts messages into an Amazon SQS queue, standard or FIFO, or into one of a server that
// speaks its JSON protocol. The calls are those of receiver/sqs/api.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"carrier/message"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
	"carrier/receiver/sqs/environment"
)

const (
	// maxBytes is the most bytes of one message, and of all messages of a call.
	maxBytes      = 1 << 20
	maxAttributes = 10
	maxDelay      = 15 * time.Minute
	// maxInFlight is the most calls open at once for one Publish.
	maxInFlight = 8
)

// Options says which queue messages go to.
type Options struct {
	// QueueName or QueueURL names the queue; the URL wins.
	QueueName, QueueURL string
	// QueueOwner is the account that owns QueueName, when it is another one.
	QueueOwner string
	// Endpoint is the base URL of the service, found as for a receiver where it is empty.
	Endpoint string
	// Region overrules the one found in the environment or read off the endpoint.
	Region string
	// UserAgent is added to the SDK's own, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Observer is told of calls and failures; may be nil.
	Observer receiver.Observer
	// Warn is told what an operator should know and the publisher can do without; may be nil.
	Warn func(text string, err error)
}

// A Publisher is one queue. It implements publisher.Publisher.
type Publisher struct {
	options Options

	// Set by the Open that succeeds, before any other method is called.
	client *api.Client
	shared bool // the client is another's
	url    string
	bytes  int // the most of one message
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
	return &Publisher{options: o}
}

// Over returns an opened Publisher for the queue at queueURL that calls over c and leaves it open.
// The queue's own limit of a message's size is not known to it.
func Over(c *api.Client, queueURL string) *Publisher {
	return &Publisher{client: c, shared: true, url: queueURL, bytes: maxBytes}
}

// Open finds the credentials, the region and the queue, and reads the largest message that the queue
// takes. Credentials that may only send are enough. Its errors are classed as a receiver's.
func (p *Publisher) Open(ctx context.Context) error {
	if p.shared {
		return nil
	}
	c, notices, err := api.Connect(ctx, api.Options{
		Options:   environment.Options{QueueURL: p.options.QueueURL, Endpoint: p.options.Endpoint, Region: p.options.Region},
		UserAgent: p.options.UserAgent, Observer: p.options.Observer,
	})
	if err != nil {
		return err
	}
	address, attributes, err := p.find(ctx, c)
	if err != nil {
		c.Close()
		return err
	}
	for _, n := range notices {
		p.options.Warn(n.Text, n.Err)
	}
	p.client, p.url, p.bytes = c, address, maxBytes
	if n, err := strconv.Atoi(attributes["MaximumMessageSize"]); err == nil && n > 0 {
		p.bytes = n
	}
	return nil
}

// find returns the queue's URL and its attributes; none where they may not be read.
func (p *Publisher) find(ctx context.Context, c *api.Client) (string, map[string]string, error) {
	address := p.options.QueueURL
	if address == "" {
		if p.options.QueueName == "" {
			err := errors.New("neither a queue name nor a queue URL is given")
			return "", nil, &receiver.Error{Operation: environment.Operation, Class: receiver.Invalid, Err: err}
		}
		var err error
		if address, err = c.QueueURL(ctx, p.options.QueueName, p.options.QueueOwner); err != nil {
			return "", nil, fmt.Errorf("queue %s: %w", p.options.QueueName, err)
		}
	}
	attributes, err := c.QueueAttributes(ctx, address)
	if receiver.ClassOf(err) == receiver.Denied {
		p.options.Warn("the queue's attributes cannot be read: the largest message it takes is not known", err)
		return address, nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("queue %s: %w", path.Base(address), err)
	}
	return address, attributes, nil
}

// Limits says what the queue holds.
func (p *Publisher) Limits() publisher.Limits {
	l := publisher.Limits{Bytes: p.bytes, Attributes: maxAttributes, Binary: true, Delay: maxDelay, Marks: marks}
	if p.isFIFO() {
		l.Delay, l.Deduplicates, l.Ordered = 0, true, true
	}
	return l
}

// isFIFO is told by the name: AWS reserves .fifo for them.
func (p *Publisher) isFIFO() bool { return strings.HasSuffix(p.url, ".fifo") }

// Check looks at what SQS and the queue take.
func (p *Publisher) Check(m *message.Message) error {
	_, why, err := p.convert(m)
	return publisher.Checks(why, err)
}

// Publish sends batch, ten messages a call and several calls at once. On a FIFO queue a message
// without a group is a group of its own, and one without a key is known by its ID, or by a key that
// no other has.
func (p *Publisher) Publish(ctx context.Context, batch []*message.Message) []publisher.Result {
	outgoing := make(map[*message.Message]api.OutgoingMessage, len(batch))
	calls := publisher.Calls{
		Most: api.MaxBatch, Bytes: maxBytes, Size: func(m *message.Message) int { return outgoing[m].Size() }, AtOnce: maxInFlight,
		Send: func(ctx context.Context, part []*message.Message) []publisher.Result {
			ready := make([]api.OutgoingMessage, len(part))
			for i, m := range part {
				ready[i] = outgoing[m]
			}
			return p.send(ctx, ready)
		},
	}
	return publisher.Checked(batch, func(m *message.Message) (publisher.Why, error) {
		out, why, err := p.convert(m)
		outgoing[m] = out
		return why, err
	}, func(good []*message.Message) []publisher.Result { return calls.Publish(ctx, good) })
}

// send makes one call. Where the service refuses it as a whole for what is in it, each message is
// sent by itself: one that is no good must not stop the others. A body that the service does not
// take for text, though it is, is sent once more in base64.
func (p *Publisher) send(ctx context.Context, batch []api.OutgoingMessage) []publisher.Result {
	sent := p.client.SendBatch(ctx, p.url, batch)
	apart := len(batch) > 1 && isOfCall(sent) && api.IsRefusal(sent[0].Err) && receiver.ClassOf(sent[0].Err) == receiver.Invalid
	results := make([]publisher.Result, len(batch))
	for i, m := range batch {
		if apart {
			sent[i] = p.client.SendBatch(ctx, p.url, []api.OutgoingMessage{m})[0]
		}
		if m, ok := asBase64(m); ok && api.IsNoText(sent[i].Err) {
			sent[i] = p.client.SendBatch(ctx, p.url, []api.OutgoingMessage{m})[0]
		}
		results[i] = resultOf(sent[i])
	}
	return results
}

// isOfCall reports whether the call has failed, and not single entries of it.
func isOfCall(sent []api.Sent) bool {
	for _, s := range sent {
		if s.Err == nil || s.Err != sent[0].Err { //nolint:errorlint // the very same error
			return false
		}
	}
	return true
}

func resultOf(s api.Sent) publisher.Result {
	switch {
	case s.Err == nil:
		return publisher.Result{ID: s.ID}
	case !api.IsRefusal(s.Err):
		return publisher.Result{Err: s.Err}
	case api.IsTooLarge(s.Err):
		return publisher.Refuse(publisher.TooLarge, s.Err)
	case receiver.ClassOf(s.Err) == receiver.Invalid:
		return publisher.Refuse(publisher.Unsupported, s.Err)
	}
	return publisher.Refuse(publisher.NotNow, s.Err)
}

// Close closes the connections, unless they are another's. It may be called without a successful
// Open, and more than once.
func (p *Publisher) Close() error {
	if p.client != nil && !p.shared {
		p.client.Close()
	}
	return nil
}
