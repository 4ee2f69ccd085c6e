package api

import (
	"context"
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

	"carrier/internal/testkit/sqstest"
	"carrier/receiver"
	"carrier/receiver/sqs/environment"
)

// written makes a file.
func written(t *testing.T, content string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

// issuer answers every request so.
func issuer(t *testing.T, kind, answer string) (endpoint string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

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
	c, _, err := Connect(t.Context(), Options{Options: environment.Options{Endpoint: endpoint}, Observer: receiver.NoObserver{}})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.QueueURL(t.Context(), "q", "")
	return err
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
	c, notices, err := Connect(t.Context(), Options{Options: environment.Options{Endpoint: endpoint}, Observer: receiver.NoObserver{}})
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
			t.Setenv("AWS_ENDPOINT_URL_STS", issuer(t, "text/xml", `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>`+
				`<AccessKeyId>AKIDTEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>`+expiration+`</Expiration>`+
				`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
		},
		"EKS Pod Identity": func(t *testing.T) {
			t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", written(t, "token"))
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", issuer(t, "application/json", keys))
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

func TestProfileThatIsMissingIsAFaultOfTheCredentials(t *testing.T) {
	t.Setenv("AWS_PROFILE", "none")
	if err := askForQueue(t, "http://localhost:1"); receiver.ClassOf(err) != receiver.Credentials {
		t.Errorf("%v of class %s", err, receiver.ClassOf(err))
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
		c := connect(t, Options{Options: environment.Options{Endpoint: "http://sqs.test"}})
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
		time.Sleep(time.Minute) // the chain is not opened anew at each refusal
		if err := c.receive(t.Context()); receiver.ClassOf(err) != receiver.Credentials {
			t.Errorf("the refused call: %v", err)
		}
		must(t, c.receive(t.Context()))
		if got := strings.Join(seen, " "); got != "AKIDOLD AKIDOLD AKIDNEW" {
			t.Errorf("signed by %s", got)
		}
	})
}
