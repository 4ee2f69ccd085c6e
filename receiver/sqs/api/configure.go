package api

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

// settings is what a Client is made with.
type settings struct {
	aws              aws.Config
	endpoint, region string
	credentials      *credentialChain
	notices          []preflight.Notice
}

// configure reads the AWS configuration: the environment, and files.
func configure(ctx context.Context, o Options) (settings, error) {
	cfg, unreadable, err := loadConfig(ctx)
	if err != nil {
		return settings{}, &receiver.Error{Operation: OpConfigure, Class: receiver.Credentials, Err: err}
	}
	s := settings{aws: cfg}
	if s.endpoint, err = endpointFor(cfg, o); err != nil {
		return settings{}, invalid(err)
	}
	var notice string
	if s.region, notice, err = regionFor(cfg, o, s.endpoint); err != nil {
		return settings{}, invalid(err)
	}
	s.notice(notice)
	s.notice(endpointNotice(cfg, s.endpoint))
	for _, err := range unreadable {
		s.notices = append(s.notices, preflight.Notice{Text: "going on without a file of the AWS configuration", Err: err})
	}
	var placeholder bool
	s.credentials, placeholder, err = openChain(cfg, s.endpoint, unreadable)
	if err != nil {
		return settings{}, &receiver.Error{Operation: OpConfigure, Class: receiver.Credentials, Err: err}
	}
	if placeholder {
		s.notice("no AWS credentials found: signing with placeholder credentials for " + hostOf(s.endpoint))
	}
	return s, nil
}

func (s *settings) notice(text string) {
	if text != "" {
		s.notices = append(s.notices, preflight.Notice{Text: text})
	}
}

// endpointNotice says that settings for AWS's own endpoints are not looked at where another one is
// named.
func endpointNotice(cfg aws.Config, endpoint string) string {
	o := awssqs.NewFromConfig(cfg).Options().EndpointOptions
	host := hostOf(endpoint)
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
		return cfg, nil, errors.Join(append(unreadable, err)...)
	}
	return cfg, unreadable, nil
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
	return withUser(err)
}

// withUser adds who was refused to an error of the file system.
func withUser(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w (carrier runs as user %d, group %d)", err, os.Getuid(), os.Getgid())
	}
	return err
}
