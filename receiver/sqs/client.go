package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"carrier/receiver"
	"carrier/receiver/preflight"
)

// The operations, named as they appear in metrics.
const (
	opReceive       = "receive"
	opDelete        = "delete"
	opExtend        = "extend"
	opChange        = "change_visibility"
	opSend          = "send"
	opGetURL        = "get_queue_url"
	opGetAttributes = "get_queue_attributes"

	opConfigure = "configure" // no call: it names what failed before the first
)

// Operations lists every operation that an Observer is told of, for metrics that
// are there from the start.
func Operations() []string {
	return []string{opReceive, opDelete, opExtend, opChange, opSend, opGetURL, opGetAttributes}
}

// How long one call may take, from dial to the last byte of the answer. A call
// that hangs must not eat the lease it is to settle or to renew.
const (
	callTimeout    = 5 * time.Second
	receiveTimeout = maxWait + 10*time.Second
)

// idleConnections is how many connections are kept for the next call: open polls
// and settlements come and go together, and each new connection is a TLS handshake.
const idleConnections = 128

// writeBuffer holds a batch with its head, so that it leaves in one write.
const writeBuffer = 8 << 10

// A client is the SDK's, set up the way this package needs it.
type client struct {
	api       *awssqs.Client
	transport *http.Transport
	line      *line // for what every message costs; the SDK's for everything else
	observer  receiver.Observer
	region    string
	endpoint  string // empty where AWS's own is used
}

// connect assembles a client from o and the environment. It may read files, and
// dials nothing.
func connect(ctx context.Context, o Options) (*client, []preflight.Notice, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		// One that the SDK can add AWS_CA_BUNDLE to.
		config.WithHTTPClient(awshttp.NewBuildableClient()),
		config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, nil, &receiver.Error{Operation: opConfigure, Class: receiver.Credentials, Err: err}
	}
	endpoint := endpointFor(cfg, o)
	if endpoint != "" && originOf(endpoint) == "" {
		err := fmt.Errorf("%q is no endpoint: it needs a scheme and a host", endpoint)
		return nil, nil, &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: err}
	}
	region, notices, err := regionFor(cfg, o, endpoint)
	if err != nil {
		return nil, nil, err
	}
	credentials, placeholder := credentialsFor(cfg.Credentials, endpoint)
	if placeholder {
		notices = append(notices, preflight.Notice{Text: "no AWS credentials found: signing with placeholder credentials for " + hostOf(endpoint)})
	}
	transport := o.transport
	if transport == nil {
		transport = newTransport(cfg)
	}
	c := &client{transport: transport, observer: o.Observer, region: region, endpoint: endpoint}
	c.api = awssqs.NewFromConfig(cfg, func(s *awssqs.Options) {
		s.Region = region
		s.Credentials = credentials
		s.HTTPClient = newHeldClient(transport)
		// One attempt: the caller backs off receives and repeats settlements, and an
		// SDK that repeats on its own would do so beyond the lease and unseen.
		s.Retryer = aws.NopRetryer{}
		if endpoint != "" {
			s.BaseEndpoint = aws.String(endpoint)
		}
		s.APIOptions = append(s.APIOptions, userAgent(o.UserAgent)...)
	})
	m, err := modelOf(ctx, c.api)
	if err != nil {
		return nil, nil, sortError(opConfigure, err)
	}
	c.line = newLine(transport, m, credentials)
	return c, notices, nil
}

func (c *client) close() {
	c.line.close()
	c.transport.CloseIdleConnections()
}

// endpointFor returns the base URL to call; empty means AWS's own.
func endpointFor(cfg aws.Config, o Options) string {
	if o.Endpoint != "" {
		return o.Endpoint
	}
	if set := awssqs.NewFromConfig(cfg).Options().BaseEndpoint; set != nil {
		return *set
	}
	return originOf(o.QueueURL)
}

// regionFor returns the region to sign for.
func regionFor(cfg aws.Config, o Options, endpoint string) (string, []preflight.Notice, error) {
	host := hostOf(endpoint)
	named := regionOf(host)
	region := o.Region
	if region == "" {
		region = cfg.Region
	}
	switch {
	case region != "" && named != "" && region != named && isAWS(host):
		text := fmt.Sprintf("the region is %s, but the endpoint %s is in %s", region, host, named)
		return region, []preflight.Notice{{Text: text}}, nil
	case region != "":
		return region, nil, nil
	case named != "":
		return named, nil, nil
	case endpoint != "" && !isAWS(host):
		return defaultRegion, nil, nil
	}
	err := errors.New("no AWS region: set AWS_REGION")
	return "", nil, &receiver.Error{Operation: opConfigure, Class: receiver.Invalid, Err: err}
}

// newTransport makes a transport of our own, so that it can be closed, with the
// certificates and the proxy of the AWS configuration. It speaks HTTP/1.1: SQS
// offers nothing else.
func newTransport(cfg aws.Config) *http.Transport {
	buildable, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		buildable = awshttp.NewBuildableClient()
	}
	t := buildable.GetTransport()
	t.ForceAttemptHTTP2 = false
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = idleConnections
	t.WriteBufferSize = writeBuffer
	t.IdleConnTimeout = idleLimit
	t.TLSHandshakeTimeout = callTimeout
	return t
}

// userAgent adds product, as "carrier/1.2.3", to the SDK's own.
func userAgent(product string) []func(*middleware.Stack) error {
	name, version, found := strings.Cut(product, "/")
	switch {
	case product == "":
		return nil
	case !found:
		return []func(*middleware.Stack) error{awsmiddleware.AddUserAgentKey(name)}
	}
	return []func(*middleware.Stack) error{awsmiddleware.AddUserAgentKeyValue(name, version)}
}

// do makes one call, counts it, and sorts its error. The error is ctx's own when
// ctx ended.
func do[Out any](ctx context.Context, c *client, operation string, call func(context.Context) (Out, error)) (Out, error) {
	timeout := callTimeout
	if operation == opReceive {
		timeout = receiveTimeout
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c.observer.SourceCall(operation)
	out, err := call(limited)
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	sorted := sortError(operation, err)
	c.observer.SourceError(operation, sorted.Class)
	return out, sorted
}
