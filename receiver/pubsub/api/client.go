// Package api makes the calls to Google Cloud Pub/Sub, or to a server that speaks its gRPC protocol,
// with the generated half of Google's client. What the answers mean for a message is the matter of
// its callers. Nothing is tried twice in here.
package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"carrier/receiver"
	"carrier/receiver/preflight"
)

// The operations, named as they appear in metrics.
const (
	OpReceive  = "receive"
	OpAck      = "acknowledge"
	OpExtend   = "extend"
	OpModify   = "modify_ack_deadline"
	OpHold     = "hold"
	OpGet      = "get_subscription"
	OpGetTopic = "get_topic"
	OpPublish  = "publish"

	opConfigure = "configure" // no call: it names what failed before the first
)

// Operations lists every operation that an Observer is told of, for metrics that are there from the
// start.
func Operations() []string {
	return []string{OpReceive, OpAck, OpExtend, OpModify, OpHold, OpGet, OpGetTopic, OpPublish}
}

// How long one call may take. A call that hangs must not eat the lease it is to settle or to renew.
// A pull waits for messages; one that brought none within its time is an empty one.
const (
	CallTimeout = 5 * time.Second
	pullTimeout = 30 * time.Second
)

// MaxPull is the most messages asked for in one pull; Pub/Sub would give a thousand.
const MaxPull = 100

// maxAnswer is the most bytes taken of one answer: a pull of MaxPull messages of the 10 MB that
// Pub/Sub allows.
const maxAnswer = MaxPull * 11 << 20

// emulatorVariable is where Google's own clients look for an emulator's address.
const emulatorVariable = "PUBSUB_EMULATOR_HOST"

// Options says which service is called, and how.
type Options struct {
	// Endpoint is where to call, as host:port or as a URL. One of Google's is called over TLS and
	// with the Application Default Credentials; any other without credentials, and in plain text
	// unless it begins with https. Empty means PUBSUB_EMULATOR_HOST, where that is set, else
	// Google's own.
	Endpoint string
	// Project is what Client.Project says; where it is empty, and FindProject is true, that of the
	// credentials.
	Project     string
	FindProject bool
	// UserAgent is put before gRPC's own, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Observer is told of calls and failures.
	Observer receiver.Observer
	// Dial and TokenClient are a test's.
	Dial        []grpc.DialOption
	TokenClient *http.Client
}

// A Client is the generated one on a connection of ours. It is safe for concurrent use.
type Client struct {
	Subscriber pubsubpb.SubscriberClient
	Publisher  pubsubpb.PublisherClient
	// Project is empty where nothing names one.
	Project  string
	conn     *grpc.ClientConn
	observer receiver.Observer
	endpoint endpoint
}

// Connect assembles a client from o and the environment. It may read files and ask the machine's
// metadata service who it is, and does not call Pub/Sub. The notices are for the operator.
func Connect(ctx context.Context, o Options) (*Client, []preflight.Notice, error) {
	at, err := endpointFor(o)
	if err != nil {
		return nil, nil, err
	}
	c := &Client{observer: o.Observer, endpoint: at, Project: o.Project}
	dial := append(dialOptions(o, at), o.Dial...)
	var notices []preflight.Notice
	if at.google {
		own, err := detect(o)
		if err != nil {
			return nil, nil, &receiver.Error{Operation: opConfigure, Class: receiver.Credentials, Err: err}
		}
		if c.Project == "" && o.FindProject {
			c.Project = projectOf(ctx, own)
		}
		dial = append(dial, grpc.WithPerRPCCredentials(tokens{own}))
	} else {
		notices = append(notices, preflight.Notice{Text: "calling " + at.host + " without credentials: it is not Google's"})
	}
	c.conn, err = grpc.NewClient(at.target(), dial...)
	if err != nil {
		return nil, nil, &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: err}
	}
	c.Subscriber, c.Publisher = pubsubpb.NewSubscriberClient(c.conn), pubsubpb.NewPublisherClient(c.conn)
	return c, notices, nil
}

// Host is the server that is called, with its port.
func (c *Client) Host() string { return c.endpoint.host }

// dialOptions are those of every connection.
func dialOptions(o Options, at endpoint) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if at.tls {
		transport = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent(o.UserAgent),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		// The caller backs off, and what is tried again in here would not be counted.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		// gRPC's own pause between dials grows to two minutes, and calls fail meanwhile.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: CallTimeout,
		}),
		// A connection that swallows everything is found out when something was written and not
		// taken for 20 s; more than a ping in five minutes Google does not allow.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 20 * time.Second}),
	}
}

// Close closes the connection.
func (c *Client) Close() { _ = c.conn.Close() }

// Do makes one call, as receiver.Do does. about is the full name of the subscription or the topic
// that it is about, by which Google's front ends find it.
func Do[Out any](ctx context.Context, c *Client, operation, about string, call func(context.Context) (Out, error)) (Out, error) {
	timeout := CallTimeout
	if operation == OpReceive {
		timeout = pullTimeout
	}
	kind := "subscription="
	if operation == OpPublish || operation == OpGetTopic {
		kind = "topic="
	}
	made := receiver.Call{Operation: operation, Timeout: timeout, Observer: c.observer, Sort: sortError}
	return receiver.Do(ctx, made, func(ctx context.Context) (Out, error) {
		return call(metadata.AppendToOutgoingContext(ctx, "x-goog-request-params", kind+url.QueryEscape(about)))
	})
}

// FindTopic learns whether topic, a full name, is there. Credentials that may only publish are
// enough: that they may not look is a notice.
func (c *Client) FindTopic(ctx context.Context, topic string) ([]preflight.Notice, error) {
	_, err := Do(ctx, c, OpGetTopic, topic, func(ctx context.Context) (*pubsubpb.Topic, error) {
		return c.Publisher.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: topic})
	})
	if receiver.ClassOf(err) == receiver.Denied {
		return []preflight.Notice{{Text: "the topic may not be read: whether it is there is not known", Err: err}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	return nil, nil
}

// An endpoint is where Pub/Sub is called.
type endpoint struct {
	host   string // with its port
	tls    bool
	google bool // to be shown credentials
}

// target is the endpoint as gRPC wants it.
func (e endpoint) target() string { return "dns:///" + e.host }

// endpointFor returns the endpoint that o and the environment name.
func endpointFor(o Options) (endpoint, error) {
	given := o.Endpoint
	if given == "" {
		given = os.Getenv(emulatorVariable)
	}
	if given == "" {
		return endpoint{host: "pubsub.googleapis.com:443", tls: true, google: true}, nil
	}
	scheme, host, found := strings.Cut(given, "://")
	if !found {
		scheme, host = "", given
	}
	u, err := url.Parse("//" + strings.TrimSuffix(host, "/"))
	if err != nil || u.Hostname() == "" || u.Path != "" || u.User != nil || scheme != "" && scheme != "http" && scheme != "https" {
		return endpoint{}, Invalid("%q is no endpoint: it needs a host", given)
	}
	at := endpoint{host: u.Host, google: strings.HasSuffix(u.Hostname(), ".googleapis.com")}
	at.tls = at.google || scheme == "https"
	if u.Port() == "" {
		at.host += map[bool]string{true: ":443", false: ":80"}[at.tls]
	}
	return at, nil
}
