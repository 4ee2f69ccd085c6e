package sqs

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"carrier/internal/testkit/sqstest"
	"carrier/receiver"
)

func TestLocalServerNeedsNoCredentials(t *testing.T) {
	var asked atomic.Int32
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer metadata.Close()
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	s, endpoint := sqstest.Start(t, sqstest.Options{})
	mustCreate(t, s, "q")
	seen := &record{}
	r := New(Options{QueueName: "q", Endpoint: endpoint, Warn: seen.warn})
	must(t, r.Open(t.Context()))
	must(t, r.Close())
	if got := s.CallLog()[0].Credential; !strings.HasPrefix(got, "carrier/") || !strings.Contains(got, "/us-east-1/sqs/") {
		t.Errorf("signed as %q, want the placeholder's", got)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the metadata service was asked %d times", n)
	}
	if !seen.warned("placeholder") {
		t.Errorf("warnings = %q", seen.warnings)
	}
}

func TestEveryConfiguredSourceOfCredentialsIsUsed(t *testing.T) {
	file := func(t *testing.T, content string) string {
		name := filepath.Join(t.TempDir(), "f")
		must(t, os.WriteFile(name, []byte(content), 0o600))
		return name
	}
	serve := func(t *testing.T, kind, answer string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = fmt.Fprint(w, answer)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	expiration := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for name, setUp := range map[string]func(*testing.T){
		"environment": func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
		},
		"profile": func(t *testing.T) {
			t.Setenv("AWS_PROFILE", "p")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file(t, "[p]\naws_access_key_id = AKIDTEST\naws_secret_access_key = s\n"))
		},
		"IRSA": func(t *testing.T) {
			t.Setenv("AWS_REGION", "us-east-1")
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file(t, "token"))
			t.Setenv("AWS_ENDPOINT_URL_STS", serve(t, "text/xml", `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>`+
				`<AccessKeyId>AKIDTEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>`+expiration+`</Expiration>`+
				`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
		},
		"EKS Pod Identity": func(t *testing.T) {
			t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file(t, "token"))
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", serve(t, "application/json",
				`{"AccessKeyId":"AKIDTEST","SecretAccessKey":"s","Token":"t","Expiration":"`+expiration+`"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, endpoint := sqstest.Start(t, sqstest.Options{})
			mustCreate(t, s, "q")
			setUp(t)
			r := New(Options{QueueName: "q", Endpoint: endpoint})
			must(t, r.Open(t.Context()))
			_, err := r.Receive(t.Context(), 1)
			must(t, err)
			must(t, r.Close())
			for _, call := range s.CallLog() {
				if !strings.HasPrefix(call.Credential, "AKIDTEST/") {
					t.Errorf("%s is signed as %q, want AKIDTEST", call.Op, call.Credential)
				}
			}
		})
	}
}

func TestCredentialsThatCannotBeHadAreOfTheirClass(t *testing.T) {
	for name, setUp := range map[string]func(*testing.T){
		"token file is missing": func(t *testing.T) {
			t.Setenv("AWS_REGION", "us-east-1")
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(t.TempDir(), "none"))
		},
		"profile is missing": func(t *testing.T) { t.Setenv("AWS_PROFILE", "none") },
	} {
		t.Run(name, func(t *testing.T) {
			_, endpoint := sqstest.Start(t, sqstest.Options{})
			setUp(t)
			r := New(Options{QueueName: "q", Endpoint: endpoint})
			if err := r.Open(t.Context()); receiver.ClassOf(err) != receiver.Credentials {
				t.Errorf("Open = %v of class %s, want credentials", err, receiver.ClassOf(err))
			}
			must(t, r.Close())
		})
	}
}

func TestPlaceholderIsForOthersServersOnly(t *testing.T) {
	cfg, err := config.LoadDefaultConfig(t.Context())
	must(t, err)
	for endpoint, want := range map[string]bool{
		"":                                    false,
		"https://sqs.eu-west-1.amazonaws.com": false,
		"https://sqs.eu-west-1.api.aws":       false,
		"http://elasticmq:9324":               true,
	} {
		if _, placeholder := credentialsFor(cfg.Credentials, endpoint); placeholder != want {
			t.Errorf("placeholder for %q: %v, want %v", endpoint, placeholder, want)
		}
	}
}
