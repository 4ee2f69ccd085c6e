package pubsub

import (
	"context"
	"crypto/tls"
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
	opReceive  = "receive"
	opAck      = "acknowledge"
	opExtend   = "extend"
	opModify   = "modify_ack_deadline"
	opHold     = "hold"
	opGet      = "get_subscription"
	opGetTopic = "get_topic"
	opPublish  = "publish"

	opConfigure = "configure" // no call: it names what failed before the first
)

// Operations lists every operation that an Observer is told of, for metrics that are there from the
// start.
func Operations() []string {
	return []string{opReceive, opAck, opExtend, opModify, opHold, opGet, opGetTopic, opPublish}
}

// How long one call may take. A call that hangs must not eat the lease it is to settle or to renew.
// A pull waits for messages; one that brought none within its time is an empty one.
const (
	callTimeout = 5 * time.Second
	pullTimeout = 30 * time.Second
)

// maxAnswer is the most bytes taken of one answer: a pull of maxPull messages of the 10 MB that
// Pub/Sub allows.
const maxAnswer = maxPull * 11 << 20

// emulatorVariable is where Google's own clients look for an emulator's address.
const emulatorVariable = "PUBSUB_EMULATOR_HOST"

// A client is the generated one on a connection of ours.
type client struct {
	api          pubsubpb.SubscriberClient
	topics       pubsubpb.PublisherClient
	conn         *grpc.ClientConn
	observer     receiver.Observer
	endpoint     endpoint
	project      string // empty where nothing names one
	subscription string // the full path, set by find
	topic        string // that of dead letters, set by findTopic; may be empty
}

// connect assembles a client from o and the environment. It may read files and ask the machine's
// metadata service who it is, and does not call Pub/Sub.
func connect(ctx context.Context, o Options) (*client, []preflight.Notice, error) {
	at, err := endpointFor(o)
	if err != nil {
		return nil, nil, err
	}
	c := &client{observer: o.Observer, endpoint: at, project: o.Project}
	dial := append(dialOptions(o, at), o.dial...)
	var notices []preflight.Notice
	if at.google {
		own, err := detect(o)
		if err != nil {
			return nil, nil, &receiver.Error{Operation: opConfigure, Class: receiver.Credentials, Err: err}
		}
		if c.project == "" && !subscriptionPath.MatchString(o.Subscription) {
			c.project = projectOf(ctx, own)
		}
		dial = append(dial, grpc.WithPerRPCCredentials(tokens{own}))
	} else {
		notices = append(notices, preflight.Notice{Text: "calling " + at.host + " without credentials: it is not Google's"})
	}
	c.conn, err = grpc.NewClient(at.target(), dial...)
	if err != nil {
		return nil, nil, &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: err}
	}
	c.api, c.topics = pubsubpb.NewSubscriberClient(c.conn), pubsubpb.NewPublisherClient(c.conn)
	return c, notices, nil
}

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
			MinConnectTimeout: callTimeout,
		}),
		// A connection that swallows everything is found out when something was written and not
		// taken for 20 s; more than a ping in five minutes Google does not allow.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: 20 * time.Second}),
	}
}

func (c *client) close() { _ = c.conn.Close() }

// routed returns ctx with the header by which Google's front ends find the subscription, or the
// topic, that operation is about.
func (c *client) routed(ctx context.Context, operation string) context.Context {
	about := "subscription=" + url.QueryEscape(c.subscription)
	if operation == opPublish || operation == opGetTopic {
		about = "topic=" + url.QueryEscape(c.topic)
	}
	return metadata.AppendToOutgoingContext(ctx, "x-goog-request-params", about)
}

// do makes one call, as receiver.Do does.
func do[Out any](ctx context.Context, c *client, operation string, call func(context.Context) (Out, error)) (Out, error) {
	timeout := callTimeout
	if operation == opReceive {
		timeout = pullTimeout
	}
	made := receiver.Call{Operation: operation, Timeout: timeout, Observer: c.observer, Sort: sortError}
	return receiver.Do(ctx, made, func(ctx context.Context) (Out, error) { return call(c.routed(ctx, operation)) })
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
		return endpoint{}, invalid("%q is no endpoint: it needs a host", given)
	}
	at := endpoint{host: u.Host, google: strings.HasSuffix(u.Hostname(), ".googleapis.com")}
	at.tls = at.google || scheme == "https"
	if u.Port() == "" {
		at.host += map[bool]string{true: ":443", false: ":80"}[at.tls]
	}
	return at, nil
}
