package environment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"carrier/receiver"
)

// reopenAfter is the least time from one opening of the chain to the next.
const reopenAfter = 5 * time.Second

// A Chain is the SDK's chain of sources of credentials. The SDK reads a file once; so
// that a rewritten one is read, the chain is opened anew where its credentials are refused. It is
// safe for concurrent use.
type Chain struct {
	reopen func(context.Context) (aws.CredentialsProvider, error)

	mu      sync.Mutex
	current aws.CredentialsProvider
	opened  time.Time
}

// NewChain returns a chain of provider, and of what reopen finds in its place.
func NewChain(provider aws.CredentialsProvider, reopen func(context.Context) (aws.CredentialsProvider, error)) *Chain {
	return &Chain{reopen: reopen, current: provider, opened: time.Now()}
}

// openChain returns what requests to endpoint are signed with, and whether that is a placeholder.
// A development server needs no credentials: there the placeholder is used where nothing is
// configured, that is where the SDK's chain has come down to asking the machine's metadata
// service, which is nobody's business at such an endpoint and takes seconds to give up on outside
// of EC2. Anywhere else the chain is the SDK's, unless all there is are files that cannot be read.
func openChain(cfg aws.Config, endpoint string, unreadable []error) (chain *Chain, placeholder bool, err error) {
	local := isLocal(HostOf(endpoint))
	provider, err := providerFor(cfg, local, unreadable)
	if err != nil {
		return nil, false, err
	}
	return NewChain(provider, func(ctx context.Context) (aws.CredentialsProvider, error) {
		cfg, unreadable, err := loadConfig(ctx)
		if err != nil {
			return nil, err
		}
		return providerFor(cfg, local, unreadable)
	}), isPlaceholder(provider), nil
}

// A placeholderProvider signs where nobody looks at the signature.
type placeholderProvider struct{}

func isPlaceholder(p aws.CredentialsProvider) bool {
	_, is := p.(placeholderProvider)
	return is
}

// Retrieve returns the placeholder.
func (placeholderProvider) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "carrier", SecretAccessKey: "carrier"}, nil
}

func providerFor(cfg aws.Config, local bool, unreadable []error) (aws.CredentialsProvider, error) {
	switch {
	case !nothingConfigured(cfg.Credentials):
		return cfg.Credentials, nil
	case local:
		return placeholderProvider{}, nil
	case len(unreadable) > 0:
		return nil, listed(append(unreadable, errors.New("no other AWS credentials are configured")))
	}
	return cfg.Credentials, nil
}

func nothingConfigured(chain aws.CredentialsProvider) bool {
	source, ok := chain.(aws.CredentialProviderSource)
	if !ok {
		return chain == nil
	}
	return slices.Equal(source.ProviderSources(), []aws.CredentialSource{aws.CredentialSourceIMDS})
}

// Retrieve returns the credentials to sign with.
func (c *Chain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c.mu.Lock()
	provider := c.current
	c.mu.Unlock()
	identity, err := provider.Retrieve(ctx)
	if err == nil {
		err = wellFormed(identity)
	}
	if err == nil {
		return identity, nil
	}
	class := issuerClass(err)
	if nothingConfigured(provider) {
		err = fmt.Errorf("none are configured (AWS_ACCESS_KEY_ID, AWS_PROFILE, a role), and the machine's metadata service gives none: %w", err)
	}
	if errors.Is(err, fs.ErrPermission) { // of a token's file, say
		err = fmt.Errorf("%w (carrier runs as %s)", err, user())
	}
	if class == receiver.Credentials {
		c.Refused(ctx)
	}
	return aws.Credentials{}, &CredentialsError{Class: class, Err: err}
}

// Refused tells that the service has refused the credentials. It opens the chain anew, unless that was done a moment ago. Where that fails, the credentials
// stay what they are until the next refusal.
func (c *Chain) Refused(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.opened) < reopenAfter {
		return
	}
	c.opened = time.Now()
	if provider, err := c.reopen(ctx); err == nil {
		c.current = provider
	}
}

// wellFormed looks for what must not stand in a header: credentials from files and processes may
// hold a line break.
func wellFormed(c aws.Credentials) error {
	for name, value := range map[string]string{"access key id": c.AccessKeyID, "secret access key": c.SecretAccessKey, "session token": c.SessionToken} {
		if strings.IndexFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
			return errors.New("the " + name + " holds a blank, a line break or another character that none can hold")
		}
	}
	return nil
}

// A CredentialsError means that there are no credentials to sign with.
type CredentialsError struct {
	// Class is Credentials where the issuer refuses or something has to be mended, else Network or
	// Throttled.
	Class receiver.Class
	Err   error
}

// Error says that it is about credentials, and the cause.
func (e *CredentialsError) Error() string { return "credentials: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *CredentialsError) Unwrap() error { return e.Err }

// issuerClass sorts an error of the chain. An issuer (STS, the metadata service, the Pod Identity
// agent) that cannot be reached, throttles or has failed may be there later. One that refuses
// will do so again, and what is wrong with a file or a profile has to be mended.
func issuerClass(err error) receiver.Class {
	var (
		answer interface{ HTTPStatusCode() int }
		api    smithy.APIError
	)
	code, status := "", 0
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	switch {
	case status == http.StatusTooManyRequests || strings.HasPrefix(code, "Throttl") || code == "TooManyRequestsException" || code == "RequestLimitExceeded":
		return receiver.Throttled
	case status >= 500 || status == http.StatusRequestTimeout || code == "IDPCommunicationError" || unreached(err) || isProxys(err, code):
		return receiver.Network
	}
	return receiver.Credentials
}

// isProxys reports whether an answer of AWS's over the network names neither a code nor a request: it
// is a proxy's. The metadata service and the agents, which answer in plain text, have no proxy before
// them.
func isProxys(err error, code string) bool {
	var answer *awshttp.ResponseError
	return errors.As(err, &answer) && answer.RequestID == "" && (code == "" || code == "UnknownError")
}

// unreached reports whether a request to an issuer or its answer was lost on the way.
func unreached(err error) bool {
	var (
		send     *smithyhttp.RequestSendError
		network  net.Error
		canceled *aws.RequestCanceledError
		garbled  *smithy.DeserializationError
	)
	return errors.As(err, &send) || errors.As(err, &network) || errors.As(err, &canceled) || errors.As(err, &garbled) ||
		errors.Is(err, context.DeadlineExceeded)
}
