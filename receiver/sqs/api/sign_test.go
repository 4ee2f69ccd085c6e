package api

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"carrier/receiver"
	"carrier/receiver/sqs/environment"
)

// sdksRequest is a request that the SDK makes and signs by itself, from the environment and, where
// there is one, an endpoint.
func sdksRequest(t *testing.T, endpoint, region string) (req *http.Request, body []byte) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context())
	must(t, err)
	_, err = awssqs.NewFromConfig(cfg).ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String("u")}, func(o *awssqs.Options) {
		o.Region = region
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
			o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = aws.FIPSEndpointStateDisabled, aws.DualStackEndpointStateDisabled
		}
		o.Credentials = credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", "token")
		o.HTTPClient = clientFunc(func(r *http.Request) (*http.Response, error) {
			req = r
			body, err = io.ReadAll(r.Body)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, err
		})
	})
	must(t, err)
	return req, body
}

func TestEndpointRegionAndSignatureAreTheSDKsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		region  string
		env     map[string]string
		o       environment.Options
		url     string
		host    string // where it is not the URL's
		sdkAsks string // the endpoint that the SDK is told of
	}{
		"AWS":                      {region: "eu-west-1", url: "https://sqs.eu-west-1.amazonaws.com/"},
		"FIPS":                     {region: "us-east-2", env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, url: "https://sqs-fips.us-east-2.amazonaws.com/"},
		"dual stack":               {region: "eu-west-1", env: map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, url: "https://sqs.eu-west-1.api.aws/"},
		"FIPS and dual stack":      {region: "us-east-1", env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}, url: "https://sqs-fips.us-east-1.api.aws/"},
		"GovCloud":                 {region: "us-gov-west-1", url: "https://sqs.us-gov-west-1.amazonaws.com/"},
		"GovCloud with FIPS":       {region: "us-gov-west-1", env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, url: "https://sqs.us-gov-west-1.amazonaws.com/"},
		"China":                    {region: "cn-north-1", url: "https://sqs.cn-north-1.amazonaws.com.cn/"},
		"isolated: ISO":            {region: "us-iso-east-1", url: "https://sqs.us-iso-east-1.c2s.ic.gov/"},
		"isolated: ISO-B":          {region: "us-isob-east-1", url: "https://sqs.us-isob-east-1.sc2s.sgov.gov/"},
		"isolated: ISO-E":          {region: "eu-isoe-west-1", url: "https://sqs.eu-isoe-west-1.cloud.adc-e.uk/"},
		"isolated: ISO-F":          {region: "us-isof-south-1", url: "https://sqs.us-isof-south-1.csp.hci.ic.gov/"},
		"EU sovereign":             {region: "eusc-de-east-1", url: "https://sqs.eusc-de-east-1.amazonaws.eu/"},
		"a region to come":         {region: "eu-north-7", url: "https://sqs.eu-north-7.amazonaws.com/"},
		"a queue URL":              {region: "us-iso-east-1", o: environment.Options{QueueURL: "https://sqs.us-iso-east-1.c2s.ic.gov/1/q"}, url: "https://sqs.us-iso-east-1.c2s.ic.gov/", sdkAsks: "https://sqs.us-iso-east-1.c2s.ic.gov"},
		"a queue URL with FIPS":    {region: "us-gov-east-1", env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, o: environment.Options{QueueURL: "https://sqs.us-gov-east-1.amazonaws.com/1/q"}, url: "https://sqs.us-gov-east-1.amazonaws.com/", sdkAsks: "https://sqs.us-gov-east-1.amazonaws.com"},
		"a VPC endpoint":           {region: "eusc-de-east-1", o: environment.Options{Endpoint: "https://vpce-1-2.sqs.eusc-de-east-1.vpce.amazonaws.eu"}, url: "https://vpce-1-2.sqs.eusc-de-east-1.vpce.amazonaws.eu/", sdkAsks: "https://vpce-1-2.sqs.eusc-de-east-1.vpce.amazonaws.eu"},
		"an endpoint with a path":  {region: "us-east-1", o: environment.Options{Endpoint: "http://localhost:9324/a b/%41"}, url: "http://localhost:9324/a%20b/A", sdkAsks: "http://localhost:9324/a b/%41"},
		"an endpoint's usual port": {region: "us-east-1", o: environment.Options{Endpoint: "https://sqs.test:443"}, url: "https://sqs.test:443/", host: "sqs.test", sdkAsks: "https://sqs.test:443"},
		"set by variable":          {region: "us-east-1", env: map[string]string{"AWS_ENDPOINT_URL_SQS": "http://localhost:9324/base"}, url: "http://localhost:9324/base", sdkAsks: "http://localhost:9324/base"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_REGION", c.region)
			setenv(t, c.env)
			client := connect(t, Options{Options: c.o})
			sdks, body := sdksRequest(t, c.sdkAsks, c.region)
			own := client.template.request
			if own.URL.String() != c.url || sdks.URL.String() != c.url {
				t.Errorf("the request goes to %s, the SDK's to %s; want %s", own.URL, sdks.URL, c.url)
			}
			if c.host != "" && (own.Host != c.host || !strings.Contains(string(client.template.head), "\r\nHost: "+c.host+"\r\n")) {
				t.Errorf("host %q, want %q", own.Host, c.host)
			}
			at, err := time.Parse("20060102T150405Z", sdks.Header.Get(dateHeader))
			must(t, err)
			for _, counted := range []string{"Amz-Sdk-Invocation-Id", "Amz-Sdk-Request"} {
				own.Header[counted] = sdks.Header[counted] // the SDK signs what it counts its attempts with
			}
			identity := aws.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "secret", SessionToken: "token"}
			signed, err := client.signer.sign(t.Context(), &client.template, "ReceiveMessage", newRequest(body), identity, at)
			must(t, err)
			for _, name := range []string{authorizationHeader, dateHeader, targetHeader, tokenHeader} {
				if signed.Get(name) != sdks.Header.Get(name) || signed.Get(name) == "" {
					t.Errorf("%s: %s, the SDK's is %s", name, signed.Get(name), sdks.Header.Get(name))
				}
			}
			if scope := "/" + c.region + "/sqs/aws4_request"; !strings.Contains(signed.Get(authorizationHeader), scope) {
				t.Errorf("signed %s, want %s", signed.Get(authorizationHeader), scope)
			}
		})
	}
}

// The SDK's signer keeps the key that it derives from a secret under the id of its access key.
func TestAnotherSecretOfTheSameKeyIsSignedWith(t *testing.T) {
	c := connect(t, Options{Options: environment.Options{Endpoint: "http://sqs.test"}})
	sign := func(s *signer, secret string) string {
		header, err := s.sign(t.Context(), &c.template, "X", newRequest(nil), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret}, time.Unix(1, 0))
		must(t, err)
		return header.Get(authorizationHeader)
	}
	var used, fresh signer
	wrong := sign(&used, "wrong")
	if got, want := sign(&used, "right"), sign(&fresh, "right"); got != want || got == wrong {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestEndpointThatCannotBeIsFatal(t *testing.T) {
	for name, c := range map[string]struct {
		o   environment.Options
		env map[string]string
		say string
	}{
		"no region":                     {say: "AWS_REGION"},
		"an endpoint without a scheme":  {o: environment.Options{Endpoint: "localhost:4566"}, say: "no endpoint"},
		"a broken endpoint":             {o: environment.Options{Endpoint: "http://[::1"}, say: "no endpoint"},
		"a region with a blank":         {env: map[string]string{"AWS_REGION": "us-east-1 "}, say: "us-east-1"},
		"a region with a line break":    {env: map[string]string{"AWS_REGION": "us-east-1\n"}, say: "us-east-1"},
		"a broken endpoint by variable": {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_SQS": "localhost"}, say: "no endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, c.env)
			client, _, err := Connect(t.Context(), Options{Options: c.o, Observer: receiver.NoObserver{}})
			if client != nil {
				client.Close()
			}
			if receiver.ClassOf(err) != receiver.Invalid || !strings.Contains(err.Error(), c.say) {
				t.Errorf("Connect = %v of class %s, want one that says %q", err, receiver.ClassOf(err), c.say)
			}
		})
	}
}
