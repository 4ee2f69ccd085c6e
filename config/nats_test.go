package config

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func onNATS(t *testing.T, vars map[string]string) (Config, []string, error) {
	t.Helper()
	with := map[string]string{"CARRIER_NATS_STREAM": "ORDERS", "CARRIER_NATS_CONSUMER": "worker"}
	maps.Copy(with, vars)
	environment(t, with)
	return Load(all)
}

func TestDefaultsOfNATS(t *testing.T) {
	c, _, err := onNATS(t, nil)
	if err != nil || c.Routes[0].Receiver != NATS || c.Routes[0].RejectAction != Retry || c.Routes[0].MessageTimeout != 0 || c.Routes[0].Concurrency != 1 || c.Routes[0].Retry.MaxAttempts != 0 ||
		c.Routes[0].NATS.URL != "nats://localhost:4222" || c.Routes[0].NATS.Ordered {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFaultsOfNATS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"CARRIER_NATS_URL":              "http://nats:4222",
		"CARRIER_NATS_STREAM":           "two words",
		"CARRIER_NATS_CONSUMER":         "a.b",
		"CARRIER_NATS_CREDENTIALS_FILE": file + ".none",
		"CARRIER_NATS_TOKEN":            "two words",
		"CARRIER_NATS_CA_FILE":          file,
		"CARRIER_NATS_CLIENT_KEY_FILE":  "",
		"CARRIER_NATS_ORDERED":          "maybe",
		"CARRIER_DEAD_LETTER_SUBJECT":   "dead.*",
		"CARRIER_REJECT_ACTION":         "dead-letter", // to nowhere
		"CARRIER_RECEIVER":              "nats-streaming",
	} {
		vars := map[string]string{name: value}
		if name == "CARRIER_NATS_CLIENT_KEY_FILE" {
			vars["CARRIER_NATS_CLIENT_CERT_FILE"] = file
		}
		if _, _, err := onNATS(t, vars); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	for _, name := range []string{"CARRIER_NATS_STREAM", "CARRIER_NATS_CONSUMER"} {
		if _, _, err := onNATS(t, map[string]string{name: ""}); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, good := range []string{"nats:4222", "tls://a.b:4222, nats://user:p@c", "wss://nats.test/path", "[::1]:4222"} {
		if _, _, err := onNATS(t, map[string]string{"CARRIER_NATS_URL": good}); err != nil {
			t.Error(err)
		}
	}
}

func TestReceiverIsNATSWhereItsVariablesAreSet(t *testing.T) {
	if _, _, err := onNATS(t, map[string]string{"CARRIER_SQS_QUEUE_NAME": "q"}); err == nil || !strings.Contains(err.Error(), "must be set where both CARRIER_SQS_QUEUE_NAME and CARRIER_NATS_CONSUMER are") {
		t.Errorf("two sources: %v", err)
	}
	_, warnings, err := onNATS(t, map[string]string{"CARRIER_RECEIVER": "ingest", "CARRIER_DEAD_LETTER_SUBJECT": "dead"})
	if all := strings.Join(warnings, "\n"); err != nil || !strings.Contains(all, "CARRIER_NATS_STREAM: has no effect with the ingest receiver") || !strings.Contains(all, "CARRIER_DEAD_LETTER_SUBJECT: has no effect") {
		t.Errorf("%v, warnings %s", err, all)
	}
}

// The password of a server's URL is not printed.
func TestPasswordOfANATSServerIsNotPrinted(t *testing.T) {
	c, _, err := onNATS(t, map[string]string{"CARRIER_NATS_URL": "nats://user:secret1@a:4222,nats://user:secret2@b:4222", "CARRIER_NATS_TOKEN": "secret3"})
	var out strings.Builder
	if err := c.Write(&out); err != nil {
		t.Fatal(err)
	}
	if err != nil || strings.Contains(out.String(), "secret") {
		t.Errorf("%v, printed %s", err, out.String())
	}
}
