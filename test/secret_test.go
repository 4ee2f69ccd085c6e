package test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carrier/internal/testkit/programtest"
)

// Sections 1 and 2: secrets.

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-0123456789"
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte(secret+"-file\n"), 0o600))
	secrets := env{
		"CARRIER_ADMIN_TOKEN": secret, "CARRIER_INGEST_TOKEN_FILE": file,
		"CARRIER_WEBHOOK_HEADERS":  "X-Key:" + secret,
		"CARRIER_WEBHOOK_ENDPOINT": "http://user:" + secret + "@127.0.0.1:1/",
		"AWS_SECRET_ACCESS_KEY":    secret,
	}
	broken := secrets.with(env{"CARRIER_WEBHOOK_HEADERS": "no colon " + secret, "CARRIER_ADMIN_TOKEN": secret + " with a space", "CARRIER_CONCURRENCY": "x"})
	for name, p := range map[string]*program{
		"config":            run(t, secrets, "config"),
		"config, faulty":    run(t, broken, "config"),
		"check":             run(t, secrets.with(env{"CARRIER_INGEST_DATA_DIR": t.TempDir(), "CARRIER_INGEST_ADDRESS": programtest.FreeAddress(t)}), "check"),
		"config --markdown": run(t, secrets, "config", "--markdown"),
	} {
		if out := p.stdout.String() + p.stderr.String(); strings.Contains(out, secret) {
			t.Errorf("%s prints a secret:\n%s", name, out)
		}
	}
	if out := run(t, secrets, "config").stdout.String(); strings.Count(out, "REDACTED") < 3 {
		t.Errorf("carrier config shows not that secrets are set:\n%s", out)
	}
}

func TestSecretFromAFileIsUsedWithoutItsNewline(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("from-a-file\n"), 0o600))
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_INGEST_TOKEN_FILE": file})
	if r := send(t, http.MethodPost, b.onIngest().url(), "a", "Authorization", "Bearer from-a-file"); r.Status != http.StatusOK {
		t.Errorf("answer %d %s", r.Status, r.Body)
	}
	w.await(1)
	b.stop()
	if strings.Contains(b.stdout.String(), "from-a-file") {
		t.Error("the secret is in the log")
	}
}
