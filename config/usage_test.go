package config

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

const referencePage = "../docs/configuration.md"

var update = flag.Bool("update", false, "write the reference page")

//go:generate go test -run TestReferencePageIsFresh -update .

func TestReferencePageIsFresh(t *testing.T) {
	var want bytes.Buffer
	if err := Markdown(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(referencePage, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is stale (%v): run go generate ./config", referencePage, err)
	}
}

func TestEveryVariableIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range reference() {
		if !strings.HasPrefix(v.Name, prefix) || seen[v.Name] || v.Tag.Get("desc") == "" {
			t.Errorf("%s has no name of its own, or no meaning", v.Name)
		}
		seen[v.Name] = true
		for _, tag := range []string{"min", "max"} {
			if _, ok := v.Bound(tag); v.Tag.Get(tag) != "" && !ok {
				t.Errorf("%s: bound %q cannot be read", v.Name, v.Tag.Get(tag))
			}
		}
	}
}

// TestWhatIsWrittenCanBeReadAgain prints a configuration, and expects the same one from
// an environment made of the lines.
func TestWhatIsWrittenCanBeReadAgain(t *testing.T) {
	for name, vars := range map[string]map[string]string{
		"defaults": nil,
		"sqs": {
			"CARRIER_SQS_QUEUE_NAME": "jobs.fifo", "CARRIER_SQS_RECEIVERS": "2", "CARRIER_DRAIN_TIMEOUT": "1h30m",
			"CARRIER_RETRY_MULTIPLIER": "1.5", "CARRIER_PREFETCH": "3",
		},
		"ingest": {
			"CARRIER_MESSAGE_TIMEOUT": "0", "CARRIER_RETRY_MAX_ATTEMPTS": "0", "CARRIER_INGEST_MAX_BODY": "1500", "CARRIER_ADMIN_ADDRESS": "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := written(t, good(t, vars))
			again := map[string]string{}
			for line := range strings.Lines(first) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				if value != "" || name == "CARRIER_ADMIN_ADDRESS" {
					again[name] = value
				}
			}
			// The receiver is written out, so another's variables are no longer in doubt.
			if second := written(t, good(t, again)); second != first {
				t.Errorf("got\n%s\nwant\n%s", second, first)
			}
		})
	}
}

func written(t *testing.T, c Config) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSecretsAreNotWritten(t *testing.T) {
	out := written(t, good(t, map[string]string{
		"CARRIER_ADMIN_TOKEN":      "hunter2",
		"CARRIER_RECEIVER":         "ingest",
		"CARRIER_WEBHOOK_HEADERS":  "Authorization:hunter2",
		"CARRIER_WEBHOOK_ENDPOINT": "http://hunter2:hunter2@host/p?code=hunter2",
		"CARRIER_SQS_ENDPOINT":     "https://proxy/?token=hunter2",
	}))
	for _, line := range []string{
		"CARRIER_ADMIN_TOKEN=REDACTED\n", "CARRIER_INGEST_TOKEN=\n", "CARRIER_WEBHOOK_HEADERS=REDACTED\n",
		"CARRIER_WEBHOOK_ENDPOINT=http://REDACTED@host/p?REDACTED\n", "CARRIER_RECEIVER=ingest\n", "CARRIER_RETRY_MAX_INTERVAL=15m\n",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is not among\n%s", line, out)
		}
	}
	if strings.Contains(out, "hunter2") {
		t.Errorf("a secret is written:\n%s", out)
	}
}

func TestSecretsAreNotInFaults(t *testing.T) {
	for _, value := range []string{
		"ftp://hunter2:hunter2@host/?hunter2", "http://host/x y?token=hunter2", "http://u:hunter2@host:x/", "host/hook?token=hunter2", "hunter2@host",
		"http://host/#hunter2", "http://a/?hunter2,ftp://b/?hunter2", "http://a/?hunter2,hunter2",
	} {
		_, _, faults := load(t, map[string]string{"CARRIER_WEBHOOK_ENDPOINT": value})
		if len(faults) == 0 || strings.Contains(faults.Error(), "hunter2") {
			t.Errorf("%q: %v", value, faults)
		}
	}
}
