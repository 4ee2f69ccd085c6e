package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	both = []string{Ingest, SQS}
	all  = []string{SQS, PubSub, NATS, Ingest}
)

// environment makes vars the only ones of ours for the length of the test.
func environment(t *testing.T, vars map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix) {
			t.Setenv(name, "")
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range vars {
		t.Setenv(name, value)
	}
}

func load(t *testing.T, vars map[string]string) (Config, []string, Faults) {
	t.Helper()
	environment(t, vars)
	c, warnings, err := Load(both)
	var faults Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatalf("error %v is no Faults", err)
	}
	return c, warnings, faults
}

func good(t *testing.T, vars map[string]string) Config {
	t.Helper()
	c, _, faults := load(t, vars)
	if faults != nil {
		t.Fatalf("faults: %v", faults)
	}
	return c
}

func TestDefaultsAreThoseOfTheReference(t *testing.T) {
	c := good(t, nil)
	want := map[string]bool{
		"receiver ingest":     c.Routes[0].Receiver == Ingest,
		"transmitter webhook": c.Routes[0].Transmitter == Webhook,
		"concurrency 1":       c.Routes[0].Concurrency == 1,
		"prefetch auto":       c.Routes[0].Prefetch == Auto,
		"drain 20s":           c.DrainTimeout == 20*time.Second,
		"admin :9010":         c.Admin.Address == ":9010",
		"timeout 72h":         c.Routes[0].MessageTimeout == 72*time.Hour,
		"attempts 20":         c.Routes[0].Retry.MaxAttempts == 20,
		"jitter equal":        c.Routes[0].Retry.Jitter == "equal",
		"connections 1024":    c.Ingest.MaxConnections == 1024,
		"dead letters 100000": c.Ingest.MaxDeadLetters == 100000 && c.Ingest.MaxDeadBytes == 256<<20 && c.Ingest.DeadLetterFull == "keep",
		"head 8KiB":           c.Routes[0].Webhook.MaxHeaderBytes == 8<<10,
		"dead-letter":         c.Routes[0].RejectAction == DeadLetter,
		"batch 10":            c.Routes[0].SQS.BatchSize == 10,
		"receivers open":      c.Routes[0].SQS.Receivers == 0,
		"wait 20s":            c.Routes[0].SQS.WaitTime == 20*time.Second,
		"body 1MiB":           c.Ingest.MaxBody == 1<<20,
		"bytes 1GiB":          c.Ingest.MaxBytes == 1<<30,
		"lease 30s":           c.Routes[0].Ingest.Lease == 30*time.Second,
		"endpoint":            c.Routes[0].Webhook.Endpoints.String() == "http://localhost:9000",
		"multiplier 2":        c.Routes[0].Retry.Multiplier == 2,
		"max interval 15m":    c.Routes[0].Retry.MaxInterval == 15*time.Minute,
		"stat timer 120s":     c.Stats.Every == 2*time.Minute,
		"no secret":           c.Admin.Token.Reveal() == "" && c.Routes[0].Webhook.ExtraHeaders() == nil,
	}
	for name, holds := range want {
		if !holds {
			t.Errorf("%s does not hold", name)
		}
	}
}

func TestDefaultsThatDependOnOthers(t *testing.T) {
	c := good(t, map[string]string{
		"CARRIER_SQS_QUEUE_NAME": "jobs", "CARRIER_SQS_RECEIVERS": "3", "CARRIER_SQS_RECEIVER_WORKERS": "4",
	})
	if c.Routes[0].Receiver != SQS || c.Routes[0].Concurrency != 12 || c.Routes[0].MessageTimeout != 0 || c.Routes[0].RejectAction != Retry {
		t.Errorf("receiver %s, concurrency %d, timeout %v, action %s", c.Routes[0].Receiver, c.Routes[0].Concurrency, c.Routes[0].MessageTimeout, c.Routes[0].RejectAction)
	}
	if c.Routes[0].Retry.MaxAttempts != 0 {
		t.Errorf("%d attempts on SQS, where the redrive policy decides", c.Routes[0].Retry.MaxAttempts)
	}
	c = good(t, map[string]string{"CARRIER_MESSAGE_TIMEOUT": "0", "CARRIER_RETRY_MAX_ATTEMPTS": "0", "CARRIER_CONCURRENCY": "7"})
	if c.Routes[0].MessageTimeout != 0 || c.Routes[0].Retry.MaxAttempts != 0 || c.Routes[0].Concurrency != 7 {
		t.Errorf("timeout %v, concurrency %d: what is set is not kept", c.Routes[0].MessageTimeout, c.Routes[0].Concurrency)
	}
}

func TestEmptyCountsAsNotSet(t *testing.T) {
	c := good(t, map[string]string{
		"CARRIER_SQS_QUEUE_NAME": "", "CARRIER_DRAIN_TIMEOUT": "", "CARRIER_CONCURRENCY": "",
		"CARRIER_ADMIN_TOKEN_FILE": "", "CARRIER_UNHEARD_OF": "",
	})
	if c.Routes[0].Receiver != Ingest || c.DrainTimeout != 20*time.Second || c.Routes[0].Concurrency != 1 {
		t.Errorf("got %s, %v, %d", c.Routes[0].Receiver, c.DrainTimeout, c.Routes[0].Concurrency)
	}
}

func TestEmptyAdminAddressTurnsItOff(t *testing.T) {
	if c := good(t, map[string]string{"CARRIER_ADMIN_ADDRESS": ""}); c.Admin.Address != "" {
		t.Errorf("address %q", c.Admin.Address)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	_, _, faults := load(t, map[string]string{
		"CARRIER_SQS_BATCH_SIZE":          "eleven",
		"CARRIER_SQS_WAIT_TIME":           "21s",
		"CARRIER_SQS_QUEUE_NAME":          "a b",
		"CARRIER_LOG_LEVEL":               "loud",
		"CARRIER_INGEST_MAX_BODY":         "1MB!",
		"CARRIER_WEBHOOK_ENDPOINT":        "ftp://user:hunter2@host",
		"CARRIER_RETRY_MAX_INTERVAL":      "1ms",
		"CARRIER_ENABLE_STAT_LOG":         "maybe",
		"CARRIER_WEBHOOK_HEADERS":         "hunter2",
		"CARRIER_ADMIN_TOKEN":             "x",
		"CARRIER_ADMIN_TOKEN_FILE":        "/nowhere",
		"CARRIER_INGEST_TOKEN_FILE":       "/nowhere/token",
		"CARRIER_TRANSMITTER":             "push",
		"CARRIER_WEBHOOK_CLIENT_KEY_FILE": "/nowhere/key",
	})
	want := []string{
		`CARRIER_LOG_LEVEL="loud": must be debug, info, warn or error`,
		`CARRIER_ENABLE_STAT_LOG="maybe": must be true or false`,
		`CARRIER_ADMIN_TOKEN_FILE="/nowhere": must not be set together with CARRIER_ADMIN_TOKEN`,
		`CARRIER_INGEST_MAX_BODY="1MB!": must be a size such as 512KiB (B, KiB, MiB, GiB, KB, MB, GB or plain bytes), 1 to 1GiB`,
		`CARRIER_INGEST_TOKEN_FILE="/nowhere/token": must be a readable file that holds the secret: no such file or directory`,
		`CARRIER_TRANSMITTER="push": must be webhook, pull, stream or forward`,
		`CARRIER_SQS_QUEUE_NAME="a b": must be 1 to 80 letters, digits, - and _; a FIFO queue's ends in .fifo within these 80`,
		`CARRIER_SQS_BATCH_SIZE="eleven": must be a whole number, 1 to 10`,
		`CARRIER_SQS_WAIT_TIME="21s": must be a duration such as 1m30s, 0s to 20s`,
		`CARRIER_WEBHOOK_ENDPOINT="ftp://REDACTED@host": must be URLs with http://, https:// or unix://, comma-separated`,
		`CARRIER_WEBHOOK_CLIENT_CERT_FILE (not set): must be set together with CARRIER_WEBHOOK_CLIENT_KEY_FILE`,
		`CARRIER_WEBHOOK_HEADERS=REDACTED: must be Name:value,Name:value; no comma in a value, and no header that carrier or HTTP sets itself`,
		`CARRIER_RETRY_MAX_INTERVAL="1ms": must be at least CARRIER_RETRY_INITIAL_INTERVAL, 1s`,
	}
	if got := faults.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestReceiverIsInferred(t *testing.T) {
	for name, tt := range map[string]struct {
		vars     map[string]string
		builtin  []string
		receiver string
		fault    string
	}{
		"nothing set means ingest":           {nil, both, Ingest, ""},
		"any SQS variable means sqs":         {map[string]string{"CARRIER_SQS_QUEUE_URL": "http://h/q"}, both, SQS, ""},
		"a named receiver wins":              {map[string]string{"CARRIER_RECEIVER": "Ingest", "CARRIER_SQS_QUEUE_URL": "http://h/q"}, both, Ingest, ""},
		"any Pub/Sub variable means pubsub":  {map[string]string{"CARRIER_PUBSUB_SUBSCRIPTION": "jobs"}, all, PubSub, ""},
		"Pub/Sub without a subscription":     {map[string]string{"CARRIER_PUBSUB_PROJECT": "p"}, all, "", "CARRIER_PUBSUB_SUBSCRIPTION (not set): must be set"},
		"two queues need a word everywhere":  {map[string]string{"CARRIER_PUBSUB_PROJECT": "p", "CARRIER_SQS_WAIT_TIME": "1s"}, all, "", "where both"},
		"a word is enough for two queues":    {map[string]string{"CARRIER_RECEIVER": "pubsub", "CARRIER_PUBSUB_SUBSCRIPTION": "jobs", "CARRIER_SQS_QUEUE_NAME": "q"}, all, PubSub, ""},
		"Pub/Sub is not built in":            {map[string]string{"CARRIER_PUBSUB_SUBSCRIPTION": "s"}, both, "", "CARRIER_PUBSUB_SUBSCRIPTION is set"},
		"two queues need a word":             {map[string]string{"CARRIER_PUBSUB_SUBSCRIPTION": "s", "CARRIER_SQS_QUEUE_NAME": "q"}, both, "", "where both"},
		"an unknown receiver":                {map[string]string{"CARRIER_RECEIVER": "kafka"}, both, "", "ingest, sqs"},
		"sqs is left out":                    {map[string]string{"CARRIER_SQS_QUEUE_NAME": "q"}, []string{Ingest}, "", "CARRIER_SQS_QUEUE_NAME is set"},
		"ingest is left out":                 {nil, []string{SQS}, "", "no queue is named"},
		"an SQS variable with no queue name": {map[string]string{"CARRIER_SQS_WAIT_TIME": "1s"}, both, "", "CARRIER_SQS_QUEUE_NAME (not set)"},
		"a queue named twice":                {map[string]string{"CARRIER_SQS_QUEUE_URL": "http://h/q", "CARRIER_SQS_QUEUE_NAME": "q"}, both, "", "CARRIER_SQS_QUEUE_URL=\"http://h/q\": must not be set together"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, tt.vars)
			c, _, err := Load(tt.builtin)
			if tt.fault == "" && (err != nil || c.Routes[0].Receiver != tt.receiver) {
				t.Errorf("receiver %q, error %v", c.Routes[0].Receiver, err)
			}
			if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("error %v, want one with %q", err, tt.fault)
			}
		})
	}
}

// serviceLinks is what the kubelet adds to a pod for the Service called name.
func serviceLinks(name string) map[string]string {
	n := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	return map[string]string{
		n + "_SERVICE_HOST": "10.96.0.9", n + "_SERVICE_PORT": "80", n + "_SERVICE_PORT_HTTP": "80", n + "_PORT": "tcp://10.96.0.9:80",
		n + "_PORT_80_TCP": "tcp://10.96.0.9:80", n + "_PORT_80_TCP_PROTO": "tcp", n + "_PORT_80_TCP_PORT": "80", n + "_PORT_80_TCP_ADDR": "10.96.0.9",
	}
}

func TestServicesOfTheNamespaceChangeNothing(t *testing.T) {
	for _, service := range []string{"carrier-sqs", "carrier-pubsub-emulator", "carrier-ingest", "carrier-admin", "carrier-sqs-queue-url", "carrier", "carrier-webhook"} {
		for receiver, vars := range map[string]map[string]string{
			Ingest: {}, SQS: {"CARRIER_SQS_QUEUE_NAME": "q"}, PubSub: {"CARRIER_PUBSUB_SUBSCRIPTION": "sub"},
		} {
			maps.Copy(vars, serviceLinks(service))
			environment(t, vars)
			c, warnings, err := Load(all)
			if c.Routes[0].Receiver != receiver || len(warnings) != 0 || err != nil {
				t.Errorf("service %s: receiver %q instead of %s, warnings %q, error %v", service, c.Routes[0].Receiver, receiver, warnings, err)
			}
		}
	}
}

func TestUnknownNamesDecideNothing(t *testing.T) {
	c, warnings, faults := load(t, map[string]string{"CARRIER_SQS_QUEUE": "q"})
	if c.Routes[0].Receiver != Ingest || len(warnings) != 1 || faults != nil {
		t.Errorf("receiver %s, warnings %q, faults %v", c.Routes[0].Receiver, warnings, faults)
	}
}

func TestBlanksAndHiddenCharactersAreFaults(t *testing.T) {
	for name, value := range map[string]string{
		"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_QUEUE_OWNER": "123456789012", "CARRIER_SQS_ENDPOINT": "http://h/",
		"CARRIER_DEAD_LETTER_QUEUE_URL": "http://h/dead", "CARRIER_WEBHOOK_ENDPOINT": "http://h/hook", "CARRIER_INGEST_DATA_DIR": "data",
		"CARRIER_ADMIN_TOKEN": "s3cret", "CARRIER_INGEST_TOKEN": "s3cret", "CARRIER_WEBHOOK_HEADERS": "A:1", "CARRIER_ADMIN_ADDRESS": ":9010",
		"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT": "http://h/healthz", "CARRIER_RECEIVER": "sqs", "CARRIER_LOG_LEVEL": "info",
		"CARRIER_WEBHOOK_DEFAULT_CONTENT_TYPE": "text/plain", "CARRIER_PUBSUB_ENDPOINT": "h:1", "CARRIER_DEAD_LETTER_TOPIC": "dead",
	} {
		for _, bad := range []string{value + " ", value + "\t", value + "\n", value + "\r\n", " " + value, "\u00a0" + value, "\ufeff" + value, value + "\ufeff", value + "\u200b"} {
			vars := map[string]string{"CARRIER_RECEIVER": "sqs", "CARRIER_SQS_QUEUE_NAME": "q", name: bad}
			_, _, faults := load(t, vars)
			if len(faults) != 1 || faults[0].Variable != name || !strings.Contains(faults[0].Want, "; it ") || strings.Contains(faults.Error(), "s3cret") {
				t.Errorf("%s=%q: faults %v", name, bad, faults)
			}
		}
	}
	for _, bad := range []string{"http://h/a b", "http://h/a\nb", "http://h/\u00a0b"} {
		if _, _, faults := load(t, map[string]string{"CARRIER_WEBHOOK_ENDPOINT": bad}); len(faults) != 1 {
			t.Errorf("%q: faults %v", bad, faults)
		}
	}
	good(t, map[string]string{"CARRIER_INGEST_DATA_DIR": "my data", "CARRIER_WEBHOOK_HEADERS": "Authorization:Bearer x"})
}

func TestUnknownNamesAreWarnedAboutWithTheNearest(t *testing.T) {
	_, warnings, _ := load(t, map[string]string{
		"CARRIER_SQS_QUEUE_NAME":    "jobs",
		"CARRIER_CONCURENCY":        "hunter2",
		"CARRIER_ADMIN_TOKENFILE":   "hunter2",
		"CARRIER_INGEST_MAX_BODY":   "1KiB",
		"CARRIER_SQS_QUEUE_OWNER":   "123456789012",
		"CARRIER_PUBSUB_PROJECT":    "",
		"CARRIER_SQS_QUEUE_OWNER_X": "1",
	})
	want := []string{
		"CARRIER_ADMIN_TOKENFILE: unknown variable, the nearest known one is CARRIER_ADMIN_TOKEN_FILE",
		"CARRIER_CONCURENCY: unknown variable, the nearest known one is CARRIER_CONCURRENCY",
		"CARRIER_INGEST_MAX_BODY: has no effect with the sqs receiver",
		"CARRIER_SQS_QUEUE_OWNER_X: unknown variable, the nearest known one is CARRIER_SQS_QUEUE_OWNER",
	}
	if strings.Join(warnings, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(warnings, "\n"), strings.Join(want, "\n"))
	}
}

func TestDangerousChoicesAreWarnedAbout(t *testing.T) {
	_, warnings, faults := load(t, map[string]string{
		"CARRIER_INGEST_ADDRESS":                   ":8080",
		"CARRIER_INGEST_ALLOW_ANONYMOUS":           "true",
		"CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY": "true",
	})
	if len(warnings) != 2 || faults != nil {
		t.Errorf("warnings %q, faults %v", warnings, faults)
	}
}

func TestSecretsCanComeFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for content, want := range map[string]string{"s3cret\n": "s3cret", "s3cret": "s3cret", "s3cret\r\n": "s3cret"} {
		write(t, path, content)
		if c := good(t, map[string]string{"CARRIER_ADMIN_TOKEN_FILE": path}); c.Admin.Token.Reveal() != want {
			t.Errorf("%q gives %q", content, c.Admin.Token.Reveal())
		}
	}
	for content, fault := range map[string]string{
		"\n":              "CARRIER_ADMIN_TOKEN_FILE=\"" + path + "\": must be a readable file that holds the secret: the file is empty",
		"hunter2\n\n":     "CARRIER_ADMIN_TOKEN_FILE=\"" + path + "\": must hold visible ASCII without spaces; it holds a line break",
		"\ufeffhunter2\n": "CARRIER_ADMIN_TOKEN_FILE=\"" + path + "\": must hold visible ASCII without spaces; it holds a byte order mark",
		"hunter2 \n":      "CARRIER_ADMIN_TOKEN_FILE=\"" + path + "\": must hold visible ASCII without spaces; it ends with a blank",
	} {
		write(t, path, content)
		_, _, faults := load(t, map[string]string{"CARRIER_ADMIN_TOKEN_FILE": path})
		if faults.Error() != fault {
			t.Errorf("got %v, want %s", faults, fault)
		}
	}
	_, _, faults := load(t, map[string]string{"CARRIER_ADMIN_TOKEN_FILE": os.DevNull})
	if !strings.Contains(faults.Error(), "not a regular file") {
		t.Errorf("a device is read: %v", faults)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
