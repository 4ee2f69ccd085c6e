package test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Section 1: the program.

func TestProgramBuildsWithoutCgo(t *testing.T) {
	t.Parallel()
	must(t, build(filepath.Join(t.TempDir(), "carrier")))
}

func TestVersionNamesWhatIsInTheBinary(t *testing.T) {
	t.Parallel()
	p := run(t, nil, "version")
	out := p.stdout.String()
	if p.code != 0 {
		t.Errorf("exit code %d", p.code)
	}
	for _, want := range []string{"carrier ", "commit ", "go1.", "sqs", "pubsub", "ingest"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

func TestABuildWithoutOpenTelemetrySaysThatNoSpansAreSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env      env
		warnings int
	}{
		"an endpoint is set": {env: env{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, warnings: 1},
		"none is":            {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := run(t, c.env, "config")
			if n := strings.Count(p.stderr.String(), "build tag otel"); p.code != 0 || n != c.warnings {
				t.Errorf("exit code %d, %d warnings, want %d: %q", p.code, n, c.warnings, p.stderr.String())
			}
		})
	}
}

func TestMisuseEndsWithTheCodeOfBadConfiguration(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"fly"}, {"fly", "--help"}, {"run", "fast"}, {"config", "--yaml"}, {"check", "x"}, {"keys", "--rsa"}} {
		p := run(t, nil, args...)
		if p.code != 2 || p.stderr.String() == "" || p.stdout.String() != "" {
			t.Errorf("%q: exit code %d, stdout %q", args, p.code, p.stdout.String())
		}
	}
}

func TestHealthHasTheCodesOfAHealthCheckAlsoWhereItIsMisused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"health", "x"}, {"health", "--route"}, {"health", "--route="}, {"health", "--port=1"}} {
		if p := run(t, nil, args...); p.code != 1 || !strings.Contains(p.stderr.String(), "health takes") {
			t.Errorf("%q: exit code %d, stderr %q", args, p.code, p.stderr.String())
		}
	}
}

func TestValueOfAnOptionMayStandBehindAnEqualsSign(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"audit", "--since", "x"}, {"queue", "list", "--limit", "x"}, {"dead-letters", "--limit", "x"}, {"redrive", "--rate", "x"}, {"health", "--route", "x"},
	} {
		last := len(args) - 2
		joined := append(slices.Clone(args[:last]), args[last]+"="+args[last+1])
		apart, together := run(t, nil, args...), run(t, nil, joined...)
		if together.code != apart.code || together.stderr.String() != apart.stderr.String() || together.stderr.String() == "" {
			t.Errorf("%q: exit code %d, stderr %q; want that of %q: %d, %q", joined, together.code, together.stderr.String(), args, apart.code, apart.stderr.String())
		}
	}
}

func TestEveryCommandSaysHowItIsUsed(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"help"}, {"-h"}, {"--help"}, {"run", "--help"}, {"check", "-h"}, {"config", "--help"}, {"config", "--markdown", "-h"}, {"health", "-h"},
		{"top", "--help"}, {"audit", "-h"}, {"version", "-h"}, {"keys", "--help"}, {"queue", "-h"}, {"queue", "check", "--help"},
		{"dead-letters", "-h"}, {"dead-letters", "drop", "--help"}, {"redrive", "--help"}, {"subscriptions", "-h"}, {"subscriptions", "drop", "-h"},
	} {
		p := run(t, nil, args...)
		if p.code != 0 || !strings.Contains(p.stdout.String(), "usage: carrier [command]") || p.stderr.String() != "" {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, p.code, p.stdout.String(), p.stderr.String())
		}
	}
}

func TestNewKeysAreAcceptedByTheConfiguration(t *testing.T) {
	t.Parallel()
	secret := run(t, nil, "keys")
	pair := run(t, nil, "keys", "--ed25519")
	keys := strings.Fields(secret.stdout.String() + pair.stdout.String())
	if secret.code != 0 || pair.code != 0 || len(keys) != 3 {
		t.Fatalf("printed %d words", len(keys))
	}
	good := env{"CARRIER_WEBHOOK_SIGNING_SECRETS": keys[0] + "," + keys[1], "CARRIER_INGEST_SIGNING_SECRETS": keys[0] + "," + keys[2]}
	if p := run(t, good, "config"); p.code != 0 || strings.Contains(p.stdout.String(), keys[0][:12]) {
		t.Errorf("exit code %d, stdout %s, stderr %s", p.code, p.stdout.String(), p.stderr.String())
	}
}

func TestConfigPrintsWhatIsInEffect(t *testing.T) {
	t.Parallel()
	p := run(t, env{"CARRIER_SQS_QUEUE_NAME": "orders", "CARRIER_SQS_RECEIVERS": "3", "CARRIER_SQS_RECEIVER_WORKERS": "4"}, "config")
	if p.code != 0 {
		t.Errorf("exit code %d", p.code)
	}
	lines := strings.Split(p.stdout.String(), "\n")
	for _, want := range []string{"CARRIER_RECEIVER=sqs", "CARRIER_SQS_QUEUE_NAME=orders", "CARRIER_CONCURRENCY=12", "CARRIER_DRAIN_TIMEOUT=20s", "CARRIER_REJECT_ACTION=retry"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %s in\n%s", want, p.stdout.String())
		}
	}
	if out := run(t, nil, "config").stdout.String(); !strings.Contains(out, "CARRIER_RECEIVER=ingest\n") || !strings.Contains(out, "CARRIER_REJECT_ACTION=dead-letter\n") {
		t.Errorf("with nothing set:\n%s", out)
	}
}

func TestReferenceOfVariablesIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	p := run(t, nil, "config", "--markdown")
	page, err := os.ReadFile(filepath.Join("..", "docs", "configuration.md"))
	must(t, err)
	if p.code != 0 || p.stdout.String() != string(page) {
		t.Errorf("docs/configuration.md is not what carrier config --markdown prints (exit code %d)", p.code)
	}
}

func TestHealthAsksTheAdminPort(t *testing.T) {
	t.Parallel()
	w := absentWorker(t, always(says(200)))
	b := prepare(t, ofIngest, w, nil)
	if p := run(t, b.env, "health"); p.code != 1 {
		t.Errorf("nobody runs: exit code %d, want 1", p.code)
	}
	b.start()
	b.awaitLog("source reached")
	if p := run(t, b.env, "health"); p.code != 1 || !strings.Contains(p.stderr.String(), "worker") {
		t.Errorf("no worker: exit code %d, stderr %q", p.code, p.stderr.String())
	}
	w.listen()
	b.awaitReady()
	if p := run(t, b.env, "health"); p.code != 0 {
		t.Errorf("ready: exit code %d, stderr %q", p.code, p.stderr.String())
	}
	if p := run(t, b.env.with(env{"CARRIER_CONCURRENCY": "x"}), "health"); p.code != 1 {
		t.Errorf("health with a faulty configuration ended with %d, want 1", p.code)
	}
	if p := run(t, b.env.with(env{"CARRIER_ADMIN_ADDRESS": ""}), "health"); p.code != 1 {
		t.Errorf("no admin port: exit code %d", p.code)
	}
	b.stop()
}
