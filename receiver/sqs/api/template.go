package api

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// Headers that each request has of its own.
const (
	authorizationHeader = "Authorization"
	targetHeader        = "X-Amz-Target"
	dateHeader          = "X-Amz-Date"
	tokenHeader         = "X-Amz-Security-Token" //nolint:gosec // the name of a header
)

var errNotSigV4 = errors.New("the AWS configuration asks for a signature other than SigV4")

// A requestTemplate is a request as the SDK makes it: to the endpoint that it resolves, with its
// headers, and for the service and the region that it signs for. What the SDK and net/http do
// around each request costs several times as much as the request.
type requestTemplate struct {
	request                    *http.Request // without a body and without the headers named above
	target                     string        // stands before the action in X-Amz-Target
	signingName, signingRegion string
	fixedClock                 bool   // the time of the answers is not to be followed
	head                       []byte // what all requests begin with
}

// newTemplate has the SDK make a request, which does not leave the process. An error is one of
// the configuration, such as an endpoint that cannot be resolved.
func newTemplate(ctx context.Context, sdk *awssqs.Client, options ...func(*awssqs.Options)) (requestTemplate, error) {
	var made *http.Request
	options = append(options, func(o *awssqs.Options) {
		// Wrapped, since the SDK names its own kinds of credentials in the user agent.
		o.Credentials = struct{ aws.CredentialsProvider }{credentials.NewStaticCredentialsProvider("template", "template", "")}
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = clientFunc(func(req *http.Request) (*http.Response, error) {
			made = req
			_, err := io.Copy(io.Discard, req.Body)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, err
		})
	})
	_, err := sdk.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: aws.String("any")}, options...)
	if err != nil {
		return requestTemplate{}, plainError(err)
	}
	t := requestTemplate{
		request:    &http.Request{Method: made.Method, URL: made.URL, Host: made.Host, Header: made.Header.Clone()},
		fixedClock: sdk.Options().DisableClockSkewCorrection,
	}
	t.target, _, _ = strings.Cut(made.Header.Get(targetHeader), ".")
	scope := strings.Split(made.Header.Get(authorizationHeader), "/") // algorithm and key, day, region, service, aws4_request
	if len(scope) < 5 || !strings.HasPrefix(scope[0], "AWS4-HMAC-SHA256 ") || t.target == "" {
		return requestTemplate{}, errNotSigV4
	}
	t.signingRegion, t.signingName = scope[2], scope[3]
	if t.request.Host == "" {
		t.request.Host = t.request.URL.Host
	}
	// The last two count the SDK's own attempts.
	for _, name := range []string{authorizationHeader, dateHeader, targetHeader, "Content-Length", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request"} {
		t.request.Header.Del(name)
	}
	t.head = headOf(t.request)
	return t, nil
}

// headOf is the part of a request's head that all requests have in common.
func headOf(req *http.Request) []byte {
	head := append([]byte(nil), req.Method+" "+req.URL.RequestURI()+" HTTP/1.1\r\n"...)
	head = appendField(head, "Host", req.Host)
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			head = appendField(head, name, value)
		}
	}
	return head
}

// append appends a request, complete with its body, to dst. signed holds the headers of its own.
func (t *requestTemplate) append(dst []byte, signed http.Header, body []byte) []byte {
	dst = append(dst, t.head...)
	dst = appendField(dst, "Content-Length", strconv.Itoa(len(body)))
	for _, name := range []string{dateHeader, targetHeader, tokenHeader, authorizationHeader} {
		if value := signed.Get(name); value != "" {
			dst = appendField(dst, name, value)
		}
	}
	dst = append(dst, "\r\n"...)
	return append(dst, body...)
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
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

// A clientFunc is an HTTP client of the SDK's.
type clientFunc func(*http.Request) (*http.Response, error)

// Do calls f.
func (f clientFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }
