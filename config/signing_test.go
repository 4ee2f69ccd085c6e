package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carrier/internal/standardwebhooks"
)

func TestSigningKeysAreCheckedAndNotShown(t *testing.T) {
	private, public := standardwebhooks.NewKeyPair()
	secret := standardwebhooks.NewSecret()
	for name, values := range map[string]struct{ good, bad []string }{
		"CARRIER_WEBHOOK_SIGNING_SECRETS": {[]string{secret, private, secret + "," + private}, []string{public, secret + ",", "hunter2", "whsec_aHVudGVyMg=="}},
		"CARRIER_INGEST_SIGNING_SECRETS":  {[]string{secret, public, secret + "," + public}, []string{private, "hunter2"}},
	} {
		limits(t, name, nil, values.good, values.bad)
	}
	_, _, faults := load(t, map[string]string{"CARRIER_WEBHOOK_SIGNING_SECRETS": secret + ",hunter2"})
	if len(faults) != 1 || !strings.HasSuffix(faults[0].String(), ": key 2 of 2 does not begin with whsec_ or whsk_") || strings.Contains(faults.Error(), "hunter2") {
		t.Errorf("faults are %v", faults)
	}
}

func TestSecretKnowsTheFileItIsFrom(t *testing.T) {
	secret, file := standardwebhooks.NewSecret(), filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := good(t, map[string]string{"CARRIER_WEBHOOK_SIGNING_SECRETS_FILE": file, "CARRIER_INGEST_SIGNING_SECRETS": secret})
	if got := c.Routes[0].Webhook.SigningSecrets; got.Reveal() != secret || got.File() != file {
		t.Errorf("file is %q", got.File())
	}
	if got := c.Ingest.SigningSecrets.File(); got != "" {
		t.Errorf("the file of what was in the environment is %q", got)
	}
}
