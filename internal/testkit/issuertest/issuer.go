// Package issuertest is what gives out AWS credentials, for tests: the agent of EKS Pod Identity
// or ECS, the instance metadata service, and STS for web identities, all at one address.
//
// It verifies nothing. Env says how a program finds it; Fail makes it refuse.
package issuertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// TB is the part of testing.TB that Start needs.
type TB interface {
	Helper()
	Cleanup(func())
}

// A Kind is a way to get credentials.
type Kind string

const (
	// Agent is the container credentials agent: EKS Pod Identity and ECS.
	Agent Kind = "agent"
	// WebIdentity is STS's AssumeRoleWithWebIdentity, which IRSA uses.
	WebIdentity Kind = "web identity"
	// Metadata is the instance metadata service.
	Metadata Kind = "metadata"
)

// An Issuer gives out credentials that last an hour. Its methods are safe for concurrent use.
type Issuer struct {
	url string

	mu       sync.Mutex
	key      string
	status   int // 0 while it gives credentials out
	code     string
	requests int
}

// Start serves an Issuer on 127.0.0.1 until the test ends. The access key is AKIDTEST.
func Start(tb TB) *Issuer {
	tb.Helper()
	i := &Issuer{key: "AKIDTEST"}
	s := httptest.NewServer(i)
	tb.Cleanup(s.Close)
	i.url = s.URL
	return i
}

// Env is what a program's environment has to hold so that it gets its credentials from i by
// kind. tokenFile is a file that holds any text; Metadata does not need it.
func (i *Issuer) Env(kind Kind, tokenFile string) map[string]string {
	switch kind {
	case WebIdentity:
		return map[string]string{
			"AWS_ROLE_ARN":                "arn:aws:iam::000000000000:role/test",
			"AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile,
			"AWS_ENDPOINT_URL_STS":        i.url,
		}
	case Metadata:
		return map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": i.url}
	default:
		return map[string]string{
			"AWS_CONTAINER_CREDENTIALS_FULL_URI":     i.url + "/v1/credentials",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": tokenFile,
		}
	}
}

// SetKey changes the access key that is given out from now on.
func (i *Issuer) SetKey(key string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key = key
}

// Fail answers every request with status and code from now on, until Heal. Status 500 and up, and
// 429, stand for an issuer that is not there yet; 400 with AccessDenied for one that refuses.
func (i *Issuer) Fail(status int, code string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.code = status, code
}

// Heal ends what Fail began.
func (i *Issuer) Heal() { i.Fail(0, "") }

// Requests is how many requests have come in, those that failed included.
func (i *Issuer) Requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests
}

// ServeHTTP answers one request, of whatever kind.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.requests++
	key, status, code := i.key, i.status, i.code
	i.mu.Unlock()
	if r.Method == http.MethodPost {
		answerSTS(w, key, status, code)
		return
	}
	answerJSON(w, r, key, status, code)
}

func expiration() string { return time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }

func answerSTS(w http.ResponseWriter, key string, status int, code string) {
	w.Header().Set("Content-Type", "text/xml")
	if status != 0 {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>refused</Message></Error></ErrorResponse>`, code)
		return
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>`+
		`<AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration>`+
		`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, key, expiration())
}

// answerJSON answers the agent's requests, and the three of the metadata service: for a token, by
// PUT, for the role's name, and for its credentials.
func answerJSON(w http.ResponseWriter, r *http.Request, key string, status int, code string) {
	if status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": "refused"})
		return
	}
	w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "600")
	switch {
	case r.Method == http.MethodPut:
		_, _ = fmt.Fprint(w, "token")
	case strings.HasSuffix(r.URL.Path, "/security-credentials/"):
		_, _ = fmt.Fprint(w, "role")
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{
			"Code": "Success", "AccessKeyId": key, "SecretAccessKey": "s", "Token": "t", "Expiration": expiration(),
		})
	}
}
