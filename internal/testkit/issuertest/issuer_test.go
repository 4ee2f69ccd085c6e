package issuertest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"carrier/internal/testkit/issuertest"
)

// key asks the SDK's own chain for credentials, without tries of its own.
func key(t *testing.T) (string, error) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	return credentials.AccessKeyID, err
}

func TestSDKGetsItsCredentialsByEachKindOnceTheIssuerIsWell(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []issuertest.Kind{issuertest.Agent, issuertest.WebIdentity, issuertest.Metadata} {
		t.Run(string(kind), func(t *testing.T) {
			t.Setenv("HOME", t.TempDir())
			for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"} {
				t.Setenv(name, "")
			}
			i := issuertest.Start(t)
			for name, value := range i.Env(kind, token) {
				t.Setenv(name, value)
			}
			i.Fail(503, "ServiceUnavailable")
			if got, err := key(t); err == nil {
				t.Errorf("an issuer that fails gave out %q", got)
			}
			i.Heal()
			i.SetKey("AKIDNEW")
			if got, err := key(t); err != nil || got != "AKIDNEW" {
				t.Errorf("got %q, %v", got, err)
			}
			if i.Requests() < 2 {
				t.Errorf("%d requests", i.Requests())
			}
		})
	}
}
