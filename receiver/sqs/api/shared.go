package api

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"carrier/receiver/preflight"
	"carrier/receiver/sqs/environment"
)

// A Shared lets clients of the same service have one AWS configuration, one chain of credentials and
// one pool of connections, from the first that connects to the last that is closed. Each of them
// takes some 20 KiB, and finding them leaves ten times as much garbage. The zero value is ready. It
// is safe for concurrent use.
type Shared struct {
	mu       sync.Mutex
	services map[sharedKey]*service
}

// A sharedKey is what a service is found by. Of a queue's URL that is the server.
type sharedKey struct {
	environment.Options
	userAgent string
}

// A service is what a Client needs of its service, apart from who is told of the calls.
type service struct {
	region   string
	endpoint string // empty where AWS's own is used
	notices  []preflight.Notice
	sdk      *awssqs.Client // makes templates; it calls nothing
	*caller
	users int // of a shared one, guarded by its Shared
}

// connect returns the service for o and what is called when its Client is closed.
func (s *Shared) connect(ctx context.Context, o Options) (*service, func(), error) {
	if s == nil || o.Transport != nil {
		found, err := findService(ctx, o)
		if err != nil {
			return nil, nil, err
		}
		return found, found.closeConnections, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sharedKey{o.Options, o.UserAgent}
	key.QueueURL = environment.OriginOf(o.QueueURL)
	found := s.services[key]
	if found == nil {
		var err error
		if found, err = findService(ctx, o); err != nil {
			return nil, nil, err
		}
		if s.services == nil {
			s.services = map[sharedKey]*service{}
		}
		s.services[key] = found
	}
	found.users++
	return found, sync.OnceFunc(func() { s.leave(key, found) }), nil
}

// leave closes the connections of found once nobody uses it any more.
func (s *Shared) leave(key sharedKey, found *service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found.users--; found.users == 0 {
		delete(s.services, key)
		found.closeConnections()
	}
}

// findService assembles a service. It may read files, and dials nothing.
func findService(ctx context.Context, o Options) (*service, error) {
	s, err := environment.Find(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	transport := o.Transport
	if transport == nil {
		transport = newTransport(s.AWS)
	}
	sdk := awssqs.NewFromConfig(s.AWS, func(so *awssqs.Options) {
		so.Region = s.Region
		if s.Endpoint != "" {
			so.BaseEndpoint = aws.String(s.Endpoint)
			// The SDK refuses both together with an endpoint.
			so.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			so.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
		so.APIOptions = append(so.APIOptions, userAgent(o.UserAgent)...)
	})
	t, err := newTemplate(ctx, sdk)
	if err != nil {
		return nil, invalid(err)
	}
	return &service{
		region: s.Region, endpoint: s.Endpoint, notices: s.Notices, sdk: sdk,
		caller: newCaller(transport, t, s.Credentials),
	}, nil
}

// closeConnections closes idle connections, and those in use once their answers are read.
func (s *service) closeConnections() {
	s.close()
	s.transport.CloseIdleConnections()
}
