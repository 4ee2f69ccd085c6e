package sqs

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func TestSignatureIsTheSDKs(t *testing.T) {
	noon := time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		path    string
		header  http.Header
		secrets []string
		token   string
		times   []time.Time
	}{
		"plain":                     {path: "/"},
		"without a path":            {},
		"with a path to be escaped": {path: "/a b/%41/~c+d"},
		"with a session token":      {token: "t/o+k=n"},
		"with headers of its own":   {header: http.Header{"Content-Type": {"a"}, "A": {"1", "2"}, "Zz": {"z"}, "User-Agent": {"u"}, "X-Amzn-Trace-Id": {"t"}}},
		"one secret after another":  {secrets: []string{"one", "two", "one"}},
		"one day after another":     {times: []time.Time{noon, noon.Add(12 * time.Hour), noon.Add(-13 * time.Hour)}},
		"in another zone":           {times: []time.Time{noon.In(time.FixedZone("east", 14*3600))}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.secrets == nil {
				c.secrets = []string{"secret"}
			}
			if c.times == nil {
				c.times = []time.Time{noon}
			}
			if c.header == nil {
				c.header = http.Header{}
			}
			req := &http.Request{Method: http.MethodPost, Host: "sqs.test:81", Header: c.header, URL: &url.URL{Scheme: "http", Path: c.path}}
			own := newSigner(req, "eu-west-1", "sqs")
			for _, secret := range c.secrets {
				for _, at := range c.times {
					identity := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret, SessionToken: c.token}
					p := newPayload([]byte(name))
					date, got := own.sign(call{"AmazonSQS.X", p, at, identity})
					sdks := req.Clone(t.Context())
					sdks.ContentLength = int64(len(p.body))
					sdks.Header.Set(targetHeader, "AmazonSQS.X")
					must(t, v4.NewSigner().SignHTTP(t.Context(), identity, sdks, p.hash, "sqs", "eu-west-1", at))
					if got != sdks.Header.Get("Authorization") || date != sdks.Header.Get(dateHeader) {
						t.Errorf("signed %s at %s, the SDK %s", got, date, sdks.Header.Get("Authorization"))
					}
				}
			}
		})
	}
}

func TestUnknownWayToSignIsFoundAtTheStart(t *testing.T) {
	c, _ := connected(t, nil)
	m := c.line.model
	header := m.request.Header.Clone()
	header.Set(dateHeader, "20260203T120000Z")
	header.Set("Authorization", "AWS4-HMAC-SHA512 Credential=model/20260203/us-east-1/sqs/aws4_request")
	if err := m.signer.verify(header, []byte("{}")); err != errUnknownSigning { //nolint:errorlint // it is never wrapped
		t.Errorf("verify = %v", err)
	}
}
