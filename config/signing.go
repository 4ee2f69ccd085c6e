package config

import (
	"strings"

	"carrier/internal/standardwebhooks"
)

// signing checks the keys that sign.
func (k *check) signing(w WebhookOptions) {
	if keys := w.SigningSecrets.Reveal(); keys != "" {
		_, err := standardwebhooks.ParseSigner(keys)
		k.keys("CARRIER_WEBHOOK_SIGNING_SECRETS", err)
	}
}

// keysOfIngest checks the keys that verify.
func (k *check) keysOfIngest(i IngestOptions) {
	if keys := i.SigningSecrets.Reveal(); keys != "" {
		_, err := standardwebhooks.ParseVerifier(keys)
		k.keys("CARRIER_INGEST_SIGNING_SECRETS", err)
	}
}

// keys notes what is wrong with the keys of the variable called name, if anything.
func (k *check) keys(name string, err error) {
	if v, known := k.variable(name); known && err != nil {
		k.fault(name, "must be "+v.Allowed()+": "+strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
