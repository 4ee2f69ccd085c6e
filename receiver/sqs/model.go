package sqs

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

const targetHeader = "X-Amz-Target"

// A model is a request as the SDK makes it: to the endpoint that it resolves, with its
// headers, and for the service and the region that it signs for.
type model struct {
	request                    *http.Request // without a body and without what is one call's own
	service                    string        // what stands before the action in its target
	signingName, signingRegion string
	still                      bool // the clock is not to be corrected
}

// ownHeaders are those that belong to one call, or count the attempts at one.
func ownHeaders() []string {
	return []string{
		"Authorization", "X-Amz-Date", "Content-Length", targetHeader,
		"Amz-Sdk-Invocation-Id", "Amz-Sdk-Request",
	}
}

// modelOf has the SDK make a request, which does not leave the process.
func modelOf(ctx context.Context, api *awssqs.Client) (model, error) {
	var seen *http.Request
	_, err := api.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: aws.String("any")}, func(o *awssqs.Options) {
		// Wrapped, for the SDK tells its kind of credentials in the user agent.
		o.Credentials = namedCredentials{credentials.NewStaticCredentialsProvider("model", "model", "")}
		o.HTTPClient = clientFunc(func(req *http.Request) (*http.Response, error) {
			seen = req
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
		})
	})
	if err != nil {
		return model{}, err
	}
	m := model{request: &http.Request{Method: seen.Method, URL: seen.URL, Host: seen.Host, Header: seen.Header.Clone()}, still: api.Options().DisableClockSkewCorrection}
	m.service, _, _ = strings.Cut(seen.Header.Get(targetHeader), ".")
	scope := strings.Split(seen.Header.Get("Authorization"), "/")
	if len(scope) < 4 || m.service == "" {
		return model{}, errors.New("the SDK signs its requests in an unknown way")
	}
	m.signingRegion, m.signingName = scope[2], scope[3]
	for _, name := range ownHeaders() {
		m.request.Header.Del(name)
	}
	return m, nil
}

// A clientFunc is an HTTP client of the SDK's.
type clientFunc func(*http.Request) (*http.Response, error)

// Do calls f.
func (f clientFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }
