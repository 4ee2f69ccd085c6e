package environment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"carrier/receiver"
)

// written makes a file.
func written(t *testing.T, content string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

// issuer answers every request so.
func issuer(t *testing.T, status int, kind, answer string) (endpoint string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestIssuerThatIsAwayIsNotTakenForARefusal(t *testing.T) {
	agent := func(endpoint string) aws.CredentialsProvider {
		return endpointcreds.New(endpoint, func(o *endpointcreds.Options) { o.Retryer = aws.NopRetryer{} })
	}
	podIdentity := func(status int, kind, body string) func(*testing.T) aws.CredentialsProvider {
		return func(t *testing.T) aws.CredentialsProvider { return agent(issuer(t, status, kind, body)) }
	}
	metadata := func(status int) func(*testing.T) aws.CredentialsProvider {
		return func(t *testing.T) aws.CredentialsProvider {
			endpoint := issuer(t, status, "text/plain", "no")
			return ec2rolecreds.New(func(o *ec2rolecreds.Options) {
				o.Client = imds.New(imds.Options{Endpoint: endpoint, Retryer: aws.NopRetryer{}})
			})
		}
	}
	chain := func(variables map[string]string) func(*testing.T) aws.CredentialsProvider {
		return func(t *testing.T) aws.CredentialsProvider {
			setenv(t, variables)
			cfg, _, err := loadConfig(t.Context())
			must(t, err)
			return cfg.Credentials
		}
	}
	sts := func(status int, code string) func(*testing.T) aws.CredentialsProvider {
		return func(t *testing.T) aws.CredentialsProvider {
			return chain(map[string]string{
				"AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": written(t, "token"),
				"AWS_ENDPOINT_URL_STS": issuer(t, status, "text/xml", `<ErrorResponse><Error><Code>`+code+`</Code><Message>m</Message></Error></ErrorResponse>`),
			})(t)
		}
	}
	for name, c := range map[string]struct {
		provider func(*testing.T) aws.CredentialsProvider
		class    receiver.Class
	}{
		"no one listens at the agent's": {func(*testing.T) aws.CredentialsProvider { return agent("http://127.0.0.1:1/") }, receiver.Network},
		"the agent has failed":          {podIdentity(500, "text/plain", "no"), receiver.Network},
		"the agent says nonsense":       {podIdentity(200, "application/json", "<html>"), receiver.Network},
		"the agent throttles":           {podIdentity(429, "application/json", `{"code":"x","message":"m"}`), receiver.Throttled},
		"the agent refuses":             {podIdentity(403, "application/json", `{"code":"AccessDeniedException","message":"m"}`), receiver.Credentials},
		"the agent does not know":       {podIdentity(404, "text/plain", "no"), receiver.Credentials},
		"STS has failed":                {sts(500, "InternalFailure"), receiver.Network},
		"STS throttles":                 {sts(400, "Throttling"), receiver.Throttled},
		"a proxy's page in place of STS": {chain(map[string]string{
			"AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": written(t, "token"),
			"AWS_ENDPOINT_URL_STS": issuer(t, 403, "text/html", "<html>no"),
		}), receiver.Network},
		"STS cannot ask the issuer": {sts(400, "IDPCommunicationError"), receiver.Network},
		"STS denies":                {sts(403, "AccessDenied"), receiver.Credentials},
		"STS refuses the token":     {sts(400, "InvalidIdentityToken"), receiver.Credentials},
		"STS finds the token old":   {sts(400, "ExpiredTokenException"), receiver.Credentials},
		"the metadata is away":      {metadata(503), receiver.Network},
		"there is no role":          {metadata(404), receiver.Credentials},
		"the metadata is off":       {chain(map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}), receiver.Credentials},
		"token file is missing": {chain(map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/carrier/none",
		}), receiver.Credentials},
		"a token with a line break": {chain(map[string]string{
			"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t\r\nX-Evil: 1",
		}), receiver.Credentials},
	} {
		t.Run(name, func(t *testing.T) {
			chain := NewChain(c.provider(t), nil)
			_, err := chain.Retrieve(t.Context())
			var sorted *CredentialsError
			if !errors.As(err, &sorted) || sorted.Class != c.class {
				t.Errorf("%v, want it of class %s", err, c.class)
			}
		})
	}
}

func TestPlaceholderIsForDevelopmentServersOnly(t *testing.T) {
	cfg, err := config.LoadDefaultConfig(t.Context())
	must(t, err)
	for endpoint, want := range map[string]bool{
		"":                                                false,
		"https://sqs.eu-west-1.amazonaws.com":             false,
		"https://sqs.eu-west-1.api.aws":                   false,
		"https://sqs.us-iso-east-1.c2s.ic.gov":            false,
		"https://sqs.eusc-de-east-1.amazonaws.eu":         false,
		"https://sqs.gateway.corp.example":                false,
		"https://sqs.gateway.internal":                    false,
		"https://198.51.100.7":                            false,
		"https://notlocalhost.example":                    false,
		"http://elasticmq:9324":                           true,
		"http://localhost:4566":                           true,
		"http://LOCALHOST:4566":                           true,
		"http://127.0.0.1:4566":                           true,
		"http://127.8.9.1:4566":                           true,
		"http://[::1]:4566":                               true,
		"http://10.1.2.3:4566":                            true,
		"http://172.16.0.1":                               true,
		"http://192.168.1.2":                              true,
		"http://[fd00::1]:4566":                           true,
		"http://sqs.localhost":                            true,
		"http://localhost.localstack.cloud:4566":          true,
		"http://sqs.us-east-1.localhost.localstack.cloud": true,
		"http://host.docker.internal:4566":                true,
		"http://elasticmq.default.svc.cluster.local:9324": true,
	} {
		_, placeholder, err := openChain(cfg, endpoint, nil)
		if placeholder != want || err != nil {
			t.Errorf("placeholder for %q: %v, %v; want %v", endpoint, placeholder, err, want)
		}
	}
}

func TestFileThatCannotBeReadIsNamed(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	for name, variable := range map[string]string{"credentials": "AWS_SHARED_CREDENTIALS_FILE", "config": "AWS_CONFIG_FILE"} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			t.Setenv(variable, directory)
			_, err := Find(t.Context(), Options{})
			if receiver.ClassOf(err) != receiver.Credentials || !strings.Contains(err.Error(), directory) || !strings.Contains(err.Error(), fmt.Sprintf("as user %d", os.Getuid())) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "no other AWS credentials") {
				t.Errorf("in front of AWS: %v of class %s, want %s named", err, receiver.ClassOf(err), directory)
			}
			found, err := Find(t.Context(), Options{Endpoint: "http://localhost:4566"})
			must(t, err)
			notices := found.Notices
			if len(notices) != 2 || !strings.Contains(fmt.Sprint(notices[0].Err), directory) || !strings.Contains(notices[1].Text, "placeholder") {
				t.Errorf("in front of a local server: %v", notices)
			}
		})
	}
	denied := NewChain(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, fmt.Errorf("open token: %w", os.ErrPermission)
	}), func(context.Context) (aws.CredentialsProvider, error) { return nil, os.ErrPermission })
	if _, err := denied.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("as user %d", os.Getuid())) {
		t.Errorf("%v does not name the user", err)
	}
}

func TestChainIsOpenedAnewOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		refusing := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("no") })
		c := NewChain(refusing, func(context.Context) (aws.CredentialsProvider, error) {
			opened++
			if opened == 1 {
				return nil, errors.New("the file is half written")
			}
			return placeholderProvider{}, nil
		})
		for range 11 { // seconds
			_, _ = c.Retrieve(t.Context())
			time.Sleep(time.Second)
		}
		if _, err := c.Retrieve(t.Context()); opened != 2 || err != nil {
			t.Errorf("opened %d times, %v; want twice, and credentials", opened, err)
		}
	})
}
