// Package api makes the calls to Amazon SQS, or to a server that speaks its JSON protocol. What
// the answers mean for a message is package sqs's matter.
//
// The AWS SDK finds the configuration, the credentials, the endpoint and the region, makes one
// request as a template, and signs each request. Nothing is tried twice in here: backing off
// belongs to the caller, who knows how much of a lease is left.
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"carrier/receiver"
	"carrier/receiver/preflight"
	"carrier/receiver/sqs/environment"
)

// MaxBatch is the most messages or entries in one call.
const MaxBatch = 10

// The operations, named as they appear in metrics.
const (
	OpReceive       = "receive"
	OpDelete        = "delete"
	OpExtend        = "extend"
	OpChange        = "change_visibility"
	OpSend          = "send"
	OpGetURL        = "get_queue_url"
	OpGetAttributes = "get_queue_attributes"
)

// Operations lists every operation that an Observer is told of, for metrics that are there from
// the start.
func Operations() []string {
	return []string{OpReceive, OpDelete, OpExtend, OpChange, OpSend, OpGetURL, OpGetAttributes}
}

const (
	// callTimeout is how long one call may take, from the dial to the last byte of the answer. A
	// call that hangs must not use up the lease that it is to settle or to renew.
	callTimeout = 5 * time.Second
	// receiveTimeout is the same for a receive, which waits up to 20 s for messages.
	receiveTimeout = 30 * time.Second
)

// Options says which service is called, and how.
type Options struct {
	environment.Options
	// UserAgent is added to the SDK's own, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Observer is told of calls and failures.
	Observer receiver.Observer
	// Shared is what this client has in common with others; nil where it has nothing.
	Shared *Shared
	// Transport is a test's, in place of one with the AWS configuration's proxy and certificates.
	Transport *http.Transport
}

// A Client calls one service in one region. It is safe for concurrent use.
type Client struct {
	*service
	observer receiver.Observer
	release  func()
}

// Connect assembles a Client from o and the AWS configuration. It may read files, and dials
// nothing. An error is of class Invalid or Credentials and lasting: the configuration has to be
// changed. The notices are for the operator.
func Connect(ctx context.Context, o Options) (*Client, []preflight.Notice, error) {
	s, release, err := o.Shared.connect(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return &Client{service: s, observer: o.Observer, release: release}, s.notices, nil
}

// InRegionOf returns a client for the queue at queueURL: c itself, or one for another region of
// AWS. It has to be closed only when it is not c.
func (c *Client) InRegionOf(ctx context.Context, queueURL string) (*Client, error) {
	host := environment.HostOf(queueURL)
	region := environment.RegionOf(host)
	if region == "" || region == c.region || !environment.IsAWS(ctx, host) {
		return c, nil
	}
	t, err := newTemplate(ctx, c.sdk, func(o *awssqs.Options) {
		o.Region, o.BaseEndpoint = region, aws.String(environment.OriginOf(queueURL))
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
	})
	if err != nil {
		return nil, invalid(err)
	}
	there := &service{region: region, endpoint: environment.OriginOf(queueURL), sdk: c.sdk, caller: newCaller(c.transport, t, c.credentials)}
	return &Client{service: there, observer: c.observer, release: there.closeConnections}, nil
}

// Region is the region that requests are signed for.
func (c *Client) Region() string { return c.region }

// Endpoint says where the service is, for people: its origin, or "of AWS".
func (c *Client) Endpoint() string {
	if c.endpoint == "" {
		return "of AWS"
	}
	return environment.OriginOf(c.endpoint)
}

// Close closes idle connections, and those in use once their answers are read; where the service is
// shared, the last of its clients does.
func (c *Client) Close() { c.release() }

// do makes one call within its time limit, counts it, and sorts its error. The error is ctx's own
// when ctx ended.
func (c *Client) do(ctx context.Context, operation string, call func(context.Context) error) error {
	timeout := callTimeout
	if operation == OpReceive {
		timeout = receiveTimeout
	}
	_, err := receiver.Do(ctx, receiver.Call{Operation: operation, Timeout: timeout, Observer: c.observer, Sort: sortError},
		func(ctx context.Context) (struct{}, error) { return struct{}{}, explain(call(ctx), timeout) })
	return err
}
