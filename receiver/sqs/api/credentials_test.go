package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"carrier/internal/testkit/sqstest"
	"carrier/receiver"
)

// withQueue starts a server with a queue called q.
func withQueue(t *testing.T) (s *sqstest.Server, endpoint string) {
	t.Helper()
	s, endpoint = sqstest.Start(t, sqstest.Options{})
	_, err := s.CreateQueue("q", nil)
	must(t, err)
	return s, endpoint
}

// askForQueue looks for the queue called q.
func askForQueue(t *testing.T, endpoint string) error {
	t.Helper()
	c, _, err := Connect(t.Context(), Options{Endpoint: endpoint, Observer: receiver.NoObserver{}})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.QueueURL(t.Context(), "q", "")
	return err
}

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

func TestLocalServerNeedsNoCredentials(t *testing.T) {
	var asked atomic.Int32
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer metadata.Close()
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	s, endpoint := withQueue(t)
	c, notices, err := Connect(t.Context(), Options{Endpoint: endpoint, Observer: receiver.NoObserver{}})
	must(t, err)
	defer c.Close()
	_, err = c.QueueURL(t.Context(), "q", "")
	must(t, err)
	if got := s.CallLog()[0].Credential; !strings.HasPrefix(got, "carrier/") || !strings.Contains(got, "/us-east-1/sqs/") {
		t.Errorf("signed as %q, want the placeholder's", got)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the metadata service was asked %d times", n)
	}
	if len(notices) != 1 || !strings.Contains(notices[0].Text, "placeholder") {
		t.Errorf("notices = %q", notices)
	}
}

func TestEveryConfiguredSourceOfCredentialsIsUsed(t *testing.T) {
	expiration := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	keys := `{"AccessKeyId":"AKIDTEST","SecretAccessKey":"s","Token":"t","Expiration":"` + expiration + `"}`
	for name, setUp := range map[string]func(*testing.T){
		"environment": func(t *testing.T) {
			setenv(t, map[string]string{"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "s"})
		},
		"profile": func(t *testing.T) {
			t.Setenv("AWS_PROFILE", "p")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", written(t, "[p]\naws_access_key_id = AKIDTEST\naws_secret_access_key = s\n"))
		},
		"environment, beside files that cannot be read": func(t *testing.T) {
			setenv(t, map[string]string{"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "s"})
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir())
			t.Setenv("AWS_CONFIG_FILE", t.TempDir())
		},
		"IRSA": func(t *testing.T) {
			t.Setenv("AWS_REGION", "us-east-1")
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", written(t, "token"))
			t.Setenv("AWS_ENDPOINT_URL_STS", issuer(t, 200, "text/xml", `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>`+
				`<AccessKeyId>AKIDTEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>`+expiration+`</Expiration>`+
				`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
		},
		"EKS Pod Identity": func(t *testing.T) {
			t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", written(t, "token"))
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", issuer(t, 200, "application/json", keys))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, endpoint := withQueue(t)
			setUp(t)
			must(t, askForQueue(t, endpoint))
			for _, call := range s.CallLog() {
				if !strings.HasPrefix(call.Credential, "AKIDTEST/") {
					t.Errorf("%s is signed as %q, want AKIDTEST", call.Op, call.Credential)
				}
			}
		})
	}
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
		"STS cannot ask the issuer":     {sts(400, "IDPCommunicationError"), receiver.Network},
		"STS denies":                    {sts(403, "AccessDenied"), receiver.Credentials},
		"STS refuses the token":         {sts(400, "InvalidIdentityToken"), receiver.Credentials},
		"STS finds the token old":       {sts(400, "ExpiredTokenException"), receiver.Credentials},
		"the metadata is away":          {metadata(503), receiver.Network},
		"there is no role":              {metadata(404), receiver.Credentials},
		"the metadata is off":           {chain(map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}), receiver.Credentials},
		"token file is missing": {chain(map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/carrier/none",
		}), receiver.Credentials},
		"a token with a line break": {chain(map[string]string{
			"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t\r\nX-Evil: 1",
		}), receiver.Credentials},
	} {
		t.Run(name, func(t *testing.T) {
			chain := &credentialChain{current: c.provider(t), opened: time.Now()}
			_, err := chain.Retrieve(t.Context())
			if sorted := sortError(OpGetURL, err); sorted.Class != c.class {
				t.Errorf("%v of class %s, want %s", err, sorted.Class, c.class)
			}
		})
	}
}

func TestProfileThatIsMissingIsAFaultOfTheCredentials(t *testing.T) {
	t.Setenv("AWS_PROFILE", "none")
	if err := askForQueue(t, "http://localhost:1"); receiver.ClassOf(err) != receiver.Credentials {
		t.Errorf("%v of class %s", err, receiver.ClassOf(err))
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
			_, _, err := Connect(t.Context(), Options{Observer: receiver.NoObserver{}})
			if receiver.ClassOf(err) != receiver.Credentials || !strings.Contains(err.Error(), directory) || !strings.Contains(err.Error(), "no other AWS credentials") {
				t.Errorf("in front of AWS: %v of class %s, want %s named", err, receiver.ClassOf(err), directory)
			}
			c, notices, err := Connect(t.Context(), Options{Endpoint: "http://localhost:4566", Observer: receiver.NoObserver{}})
			must(t, err)
			c.Close()
			if len(notices) != 2 || !strings.Contains(fmt.Sprint(notices[0].Err), directory) || !strings.Contains(notices[1].Text, "placeholder") {
				t.Errorf("in front of a local server: %v", notices)
			}
		})
	}
	if err := withUser(fmt.Errorf("open x: %w", os.ErrPermission)); !strings.Contains(err.Error(), fmt.Sprintf("as user %d", os.Getuid())) {
		t.Errorf("%v does not name the user", err)
	}
}

func TestRefusedCredentialsAreLookedForAnew(t *testing.T) {
	file := written(t, "")
	rewrite := func(id, secret string) {
		must(t, os.WriteFile(file, fmt.Appendf(nil, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", id, secret), 0o600))
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	rewrite("AKIDOLD", "old")
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, Options{Endpoint: "http://sqs.test"})
		good := "AKIDOLD"
		var seen []string
		c.exchange = func(_ context.Context, request []byte, use func(*http.Response) error) error {
			_, after, _ := strings.Cut(string(request), "Credential=")
			id, _, _ := strings.Cut(after, "/")
			seen = append(seen, id)
			resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}
			if id != good {
				resp.StatusCode = http.StatusForbidden
				resp.Header.Set("X-Amzn-Errortype", "InvalidClientTokenId")
			}
			return use(resp)
		}
		must(t, c.receive(t.Context()))
		rewrite("AKIDNEW", "new")
		good = "AKIDNEW"
		time.Sleep(reopenAfter)
		if err := c.receive(t.Context()); receiver.ClassOf(err) != receiver.Credentials {
			t.Errorf("the refused call: %v", err)
		}
		must(t, c.receive(t.Context()))
		if got := strings.Join(seen, " "); got != "AKIDOLD AKIDOLD AKIDNEW" {
			t.Errorf("signed by %s", got)
		}
	})
}

func TestChainIsOpenedAnewOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		refusing := credentialsFunc(func() (aws.Credentials, error) { return aws.Credentials{}, errors.New("no") })
		c := &credentialChain{current: refusing, opened: time.Now(), reopen: func(context.Context) (aws.CredentialsProvider, error) {
			opened++
			if opened == 1 {
				return nil, errors.New("the file is half written")
			}
			return placeholderProvider{}, nil
		}}
		for range 11 { // seconds
			_, _ = c.Retrieve(t.Context())
			time.Sleep(time.Second)
		}
		if _, err := c.Retrieve(t.Context()); opened != 2 || err != nil {
			t.Errorf("opened %d times, %v; want twice, and credentials", opened, err)
		}
	})
}
