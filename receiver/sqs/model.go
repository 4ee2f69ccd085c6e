package sqs

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Headers that are one call's own.
const (
	targetHeader = "X-Amz-Target"
	dateHeader   = "X-Amz-Date"
	tokenHeader  = "X-Amz-Security-Token"
)

// modelKey is what the model is signed with.
const modelKey = "model"

var errUnknownSigning = errors.New("the SDK signs its requests in an unknown way")

// A model is a request as the SDK makes it: to the endpoint that it resolves, with its
// headers, and for the service and the region that it signs for.
type model struct {
	request                    *http.Request // without a body and without what is one call's own
	service                    string        // what stands before the action in its target
	signingName, signingRegion string
	still                      bool // the clock is not to be corrected
	head                       []byte
	signer                     *signer
}

// modelOf has the SDK make a request, which does not leave the process.
func modelOf(ctx context.Context, api *awssqs.Client) (model, error) {
	var (
		seen *http.Request
		body []byte
	)
	_, err := api.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: aws.String("any")}, func(o *awssqs.Options) {
		// Wrapped, for the SDK tells its kind of credentials in the user agent.
		o.Credentials = namedCredentials{credentials.NewStaticCredentialsProvider(modelKey, modelKey, "")}
		o.HTTPClient = clientFunc(func(req *http.Request) (_ *http.Response, err error) {
			seen = req
			body, err = io.ReadAll(req.Body)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, err
		})
	})
	if err != nil {
		return model{}, err
	}
	m := model{request: &http.Request{Method: seen.Method, URL: seen.URL, Host: seen.Host, Header: seen.Header.Clone()}, still: api.Options().DisableClockSkewCorrection}
	m.service, _, _ = strings.Cut(seen.Header.Get(targetHeader), ".")
	scope := strings.Split(seen.Header.Get("Authorization"), "/")
	if len(scope) < 4 || m.service == "" {
		return model{}, errUnknownSigning
	}
	m.signingRegion, m.signingName = scope[2], scope[3]
	if m.request.Host == "" {
		m.request.Host = m.request.URL.Host
	}
	m.drop("Authorization", dateHeader, targetHeader, "Content-Length")
	if err := m.signer.verify(seen.Header, body); err != nil {
		return model{}, err
	}
	m.drop("Amz-Sdk-Invocation-Id", "Amz-Sdk-Request")
	m.head = headOf(m.request)
	return m, nil
}

// drop takes headers off the model, which belong to one call or count the attempts at one.
func (m *model) drop(names ...string) {
	for _, name := range names {
		m.request.Header.Del(name)
	}
	m.signer = newSigner(m.request, m.signingRegion, m.signingName)
}

// verify signs what the SDK has signed, and compares. There are ways to sign, and parts
// of a URL, that a signer does not know.
func (s *signer) verify(signed http.Header, body []byte) error {
	at, err := time.Parse(dateFormat, signed.Get(dateHeader))
	if err != nil {
		return errUnknownSigning
	}
	_, own := s.sign(call{
		target: signed.Get(targetHeader), payload: newPayload(body), at: at,
		credentials: aws.Credentials{AccessKeyID: modelKey, SecretAccessKey: modelKey},
	})
	if own != signed.Get("Authorization") {
		return errUnknownSigning
	}
	return nil
}

// headOf is the part of a request's head that all calls have in common.
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

// append makes the request of c, complete with its body.
func (m model) append(dst []byte, c call) []byte {
	date, authorization := m.signer.sign(c)
	dst = append(dst, m.head...)
	dst = appendField(dst, "Content-Length", strconv.Itoa(len(c.payload.body)))
	dst = appendField(dst, dateHeader, date)
	dst = appendField(dst, targetHeader, c.target)
	if token := c.credentials.SessionToken; token != "" {
		dst = appendField(dst, tokenHeader, token)
	}
	dst = appendField(dst, "Authorization", authorization)
	dst = append(dst, "\r\n"...)
	return append(dst, c.payload.body...)
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// A clientFunc is an HTTP client of the SDK's.
type clientFunc func(*http.Request) (*http.Response, error)

// Do calls f.
func (f clientFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }
