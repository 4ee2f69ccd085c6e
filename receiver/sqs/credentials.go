package sqs

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// credentialsFor returns what requests to endpoint are signed with, and whether
// it is a placeholder: a server that is not AWS's needs no credentials. They are
// used where nothing is configured, that is where the SDK's chain has come down to
// asking the machine's metadata service, which is nobody's business at such an
// endpoint and takes seconds to give up on outside of EC2.
func credentialsFor(chain aws.CredentialsProvider, endpoint string) (aws.CredentialsProvider, bool) {
	if endpoint != "" && !isAWS(hostOf(endpoint)) && nothingConfigured(chain) {
		return credentials.NewStaticCredentialsProvider("carrier", "carrier", ""), true
	}
	return namedCredentials{chain}, false
}

func nothingConfigured(chain aws.CredentialsProvider) bool {
	source, ok := chain.(aws.CredentialProviderSource)
	if !ok {
		return chain == nil
	}
	return slices.Equal(source.ProviderSources(), []aws.CredentialSource{aws.CredentialSourceIMDS})
}

// namedCredentials marks the errors of its chain, which have no type of their own.
type namedCredentials struct {
	chain aws.CredentialsProvider
}

// Retrieve returns the chain's credentials.
func (n namedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := n.chain.Retrieve(ctx)
	if err != nil {
		return c, &credentialsError{err}
	}
	return c, nil
}

type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }
