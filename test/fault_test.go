package test

import (
	"slices"
	"strings"
	"testing"

	"carrier/internal/testkit/sqstest"
)

// Sections 1 and 2: faults of the configuration.

// faulty is an environment in which nearly everything is wrong, and a word that the
// report has to say about each fault besides its variable and value.
func faulty() map[string][2]string {
	return map[string][2]string{
		"CARRIER_TRANSMITTER":                      {"pigeon", "webhook"},
		"CARRIER_CONCURRENCY":                      {"-3", "whole number"},
		"CARRIER_DRAIN_TIMEOUT":                    {"20", "duration"},
		"CARRIER_LOG_LEVEL":                        {"loud", "debug"},
		"CARRIER_ENABLE_COLORIZED_LOGGING":         {"maybe", "true or false"},
		"CARRIER_ADMIN_ADDRESS":                    {"nowhere", "host:port"},
		"CARRIER_SQS_QUEUE_NAME":                   {"bad name!", "letters"},
		"CARRIER_SQS_BATCH_SIZE":                   {"11", "1 to 10"},
		"CARRIER_SQS_WAIT_TIME":                    {"21s", "20s"},
		"CARRIER_SQS_VISIBILITY_TIMEOUT":           {"13h", "12h"},
		"CARRIER_SQS_ENDPOINT":                     {"ftp://x", "http"},
		"CARRIER_PREFETCH":                         {"some", "auto"},
		"CARRIER_INGEST_MAX_BODY":                  {"1 potato", "KiB"},
		"CARRIER_WEBHOOK_ENDPOINT":                 {"localhost:9000", "http"},
		"CARRIER_WEBHOOK_REQUEST_TIMEOUT":          {"0s", "duration"},
		"CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY": {"perhaps", "true or false"},
		"CARRIER_WEBHOOK_CA_FILE":                  {"/nowhere/ca.pem", "file"},
		"CARRIER_WEBHOOK_OFFLINE_THRESHOLD_COUNT":  {"0", "1"},
		"CARRIER_RETRY_MULTIPLIER":                 {"0.5", "number"},
		"CARRIER_RETRY_MAX_ATTEMPTS":               {"-1", "0"},
		"CARRIER_REJECT_ACTION":                    {"shrug", "dead-letter"},
	}
}

func TestEveryFaultOfTheConfigurationIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	server, endpoint := sqstest.Start(t, sqstest.Options{})
	wrong := faulty()
	e := env{"AWS_ENDPOINT_URL_SQS": endpoint}
	for name, fault := range wrong {
		e[name] = fault[0]
	}
	for _, command := range []string{"", "run", "check", "config"} {
		args := []string{}
		if command != "" {
			args = append(args, command)
		}
		p := run(t, e, args...)
		if p.code != 2 {
			t.Errorf("carrier %s: exit code %d, want 2", command, p.code)
		}
		lines := strings.Split(p.stderr.String(), "\n")
		for name, fault := range wrong {
			i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, name) })
			if i < 0 {
				t.Errorf("carrier %s: nothing about %s", command, name)
			} else if !strings.Contains(lines[i], fault[0]) || !strings.Contains(strings.TrimPrefix(lines[i], name), fault[1]) {
				t.Errorf("carrier %s: %q says not what %s is and may be", command, lines[i], name)
			}
		}
	}
	if n := len(server.CallLog()); n != 0 {
		t.Errorf("%d calls at the source", n)
	}
}

func TestSourcesThatContradictEachOtherAreAFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  env
		says string
	}{
		"no queue":               {env{"CARRIER_RECEIVER": "sqs"}, "CARRIER_SQS_QUEUE_NAME"},
		"two queues":             {env{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_SQS_QUEUE_URL": "http://127.0.0.1:1/0/q"}, "CARRIER_SQS_QUEUE_URL"},
		"two receivers":          {env{"CARRIER_SQS_QUEUE_NAME": "q", "CARRIER_PUBSUB_SUBSCRIPTION": "s"}, "CARRIER_RECEIVER"},
		"an open door":           {env{"CARRIER_INGEST_ADDRESS": "0.0.0.0:0"}, "CARRIER_INGEST_TOKEN"},
		"a receiver of the moon": {env{"CARRIER_RECEIVER": "lunar"}, "CARRIER_RECEIVER"},
		"a secret given twice":   {env{"CARRIER_INGEST_TOKEN": "a", "CARRIER_INGEST_TOKEN_FILE": "/dev/null"}, "CARRIER_INGEST_TOKEN_FILE"},
		"a secret in no file":    {env{"CARRIER_ADMIN_TOKEN_FILE": "/nowhere/token"}, "CARRIER_ADMIN_TOKEN_FILE"},
	} {
		p := run(t, c.env)
		if p.code != 2 || !strings.Contains(p.stderr.String(), c.says) {
			t.Errorf("%s: exit code %d, stderr %q", name, p.code, p.stderr.String())
		}
	}
}

func TestUnknownVariableIsWarnedAboutWithTheNearestName(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_CONCURENCY": "7"})
	l := b.awaitLog("CARRIER_CONCURENCY")
	if l.text("level") != "warn" || !strings.Contains(l.text("msg"), "CARRIER_CONCURRENCY") {
		t.Errorf("logged %v", l)
	}
	b.stop()
	p := run(t, env{"CARRIER_CONCURENCY": "7"}, "config")
	if p.code != 0 || !strings.Contains(p.stderr.String(), "CARRIER_CONCURRENCY") {
		t.Errorf("carrier config: exit code %d, stderr %q", p.code, p.stderr.String())
	}
}

func TestDeadLettersWithNowhereToGoAreAFaultAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := prepare(t, ofSQS, w, env{"CARRIER_REJECT_ACTION": "dead-letter"})
	p := run(t, b.env)
	if p.code == 0 || !strings.Contains(p.stdout.String()+p.stderr.String(), "CARRIER_DEAD_LETTER_QUEUE_URL") {
		t.Errorf("exit code %d", p.code)
	}
	if n := b.onSQS().server.Calls("ReceiveMessage"); n != 0 {
		t.Errorf("%d receives", n)
	}
}
