// Package environment finds out from the AWS configuration (variables and files) which service is
// called, for which region, and what requests are signed with.
package environment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"

	"carrier/receiver"
	"carrier/receiver/preflight"
)

// Options overrule what the AWS configuration says.
type Options struct {
	// QueueURL is the queue's URL where it is known: its host is called unless an endpoint is set.
	QueueURL string
	// Endpoint is the base URL of the service. Empty means what the AWS configuration says
	// (AWS_ENDPOINT_URL_SQS), else the host of QueueURL, else AWS's own for the region.
	Endpoint string
	// Region overrules the one in the AWS configuration or read off the endpoint.
	Region string
}

// Settings is what calls are made with.
type Settings struct {
	AWS         aws.Config
	Endpoint    string // the base URL of the service; empty where AWS's own is used
	Region      string // the region that requests are signed for
	Credentials *Chain
	Notices     []preflight.Notice // for the operator
}

// Find reads the AWS configuration. It may read files, and dials nothing. An error is a
// *receiver.Error of class Invalid or Credentials, and lasting: the configuration has to be changed.
func Find(ctx context.Context, o Options) (Settings, error) {
	cfg, unreadable, err := loadConfig(ctx)
	if err != nil {
		return Settings{}, unusable(receiver.Credentials, err)
	}
	s := Settings{AWS: cfg}
	if s.Endpoint, err = endpointFor(cfg, o); err != nil {
		return Settings{}, unusable(receiver.Invalid, err)
	}
	var notice string
	if s.Region, notice, err = regionFor(ctx, cfg, o, s.Endpoint); err != nil {
		return Settings{}, unusable(receiver.Invalid, err)
	}
	s.notice(notice)
	s.notice(endpointNotice(cfg, s.Endpoint))
	for _, err := range unreadable {
		s.Notices = append(s.Notices, preflight.Notice{Text: "going on without a file of the AWS configuration", Err: err})
	}
	var placeholder bool
	s.Credentials, placeholder, err = openChain(cfg, s.Endpoint, unreadable)
	if err != nil {
		return Settings{}, unusable(receiver.Credentials, err)
	}
	if placeholder {
		s.notice("no AWS credentials found: signing with placeholder credentials for " + HostOf(s.Endpoint))
	}
	return s, nil
}

// Operation names the finding of the configuration in errors, as the calls' operations do.
const Operation = "configure"

func unusable(class receiver.Class, err error) *receiver.Error {
	return &receiver.Error{Operation: Operation, Class: class, Err: err}
}

func (s *Settings) notice(text string) {
	if text != "" {
		s.Notices = append(s.Notices, preflight.Notice{Text: text})
	}
}

// endpointNotice says that settings for AWS's own endpoints are not looked at where another one is
// named.
func endpointNotice(cfg aws.Config, endpoint string) string {
	o := awssqs.NewFromConfig(cfg).Options().EndpointOptions
	host := HostOf(endpoint)
	switch {
	case endpoint == "":
		return ""
	case o.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled && !strings.Contains(host, "fips"):
		return "AWS_USE_FIPS_ENDPOINT has no effect on SQS: the endpoint is " + host + ", from the configuration or the queue URL"
	case o.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled:
		return "AWS_USE_DUALSTACK_ENDPOINT has no effect on SQS: the endpoint is " + host + ", from the configuration or the queue URL"
	}
	return ""
}

// loadConfig has the SDK load its configuration, without the files that are there and cannot be
// read: some of them end the SDK's loading, others it takes for absent without a word.
func loadConfig(ctx context.Context) (cfg aws.Config, unreadable []error, err error) {
	options := []func(*config.LoadOptions) error{
		// One that the SDK can add AWS_CA_BUNDLE to.
		config.WithHTTPClient(awshttp.NewBuildableClient()),
		config.WithLogger(logging.Nop{}),
	}
	if err := readable(fileOf("AWS_CONFIG_FILE", config.DefaultSharedConfigFilename())); err != nil {
		unreadable = append(unreadable, err)
		options = append(options, config.WithSharedConfigFiles([]string{}))
	}
	if err := readable(fileOf("AWS_SHARED_CREDENTIALS_FILE", config.DefaultSharedCredentialsFilename())); err != nil {
		unreadable = append(unreadable, err)
		options = append(options, config.WithSharedCredentialsFiles([]string{}))
	}
	cfg, err = config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, nil, listed(append(unreadable, err))
	}
	return cfg, unreadable, nil
}

// listed makes one error of several, in one line.
func listed(errs []error) error {
	all := errs[0]
	for _, err := range errs[1:] {
		all = fmt.Errorf("%w; %w", all, err)
	}
	return all
}

func fileOf(variable, otherwise string) string {
	if name := os.Getenv(variable); name != "" {
		return name
	}
	return otherwise
}

// readable returns why the file called name cannot be read; nil where it can, or is not there.
func readable(name string) error {
	f, err := os.Open(name) //nolint:gosec // the operator's own file
	if err == nil {
		defer func() { _ = f.Close() }()
		var one [1]byte
		if _, err = f.Read(one[:]); err == nil || !errors.As(err, new(*fs.PathError)) {
			return nil // the end of an empty file is no error of the path
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%w (carrier runs as %s)", err, user())
}

func user() string { return fmt.Sprintf("user %d, group %d", os.Getuid(), os.Getgid()) }
