package test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"carrier/internal/sqstest"
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
	for _, want := range []string{"carrier ", "commit ", "go1.", "sqs", "ingest"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

func TestMisuseEndsWithTheCodeOfBadConfiguration(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"fly"}, {"run", "fast"}, {"config", "--yaml"}, {"check", "x"}} {
		p := run(t, nil, args...)
		if p.code != 2 || p.stderr.String() == "" || p.stdout.String() != "" {
			t.Errorf("%q: exit code %d, stdout %q", args, p.code, p.stdout.String())
		}
	}
}

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
		"check":             run(t, secrets.with(env{"CARRIER_INGEST_DATA_DIR": t.TempDir(), "CARRIER_INGEST_ADDRESS": freeAddress(t)}), "check"),
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
	if p := run(t, b.env.with(env{"CARRIER_ADMIN_ADDRESS": ""}), "health"); p.code != 1 {
		t.Errorf("no admin port: exit code %d", p.code)
	}
	b.stop()
}

// finding is one line of a preflight report.
var finding = regexp.MustCompile(`^(ok|warn|fail)\s+\S`)

func TestCheckReportsALineForEachFinding(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	sqs := prepare(t, ofSQS, w, nil)
	sqs.onSQS().deadLetters(5)
	denied := prepare(t, ofSQS, w, nil)
	denied.onSQS().server.Always("DeleteMessageBatch", sqstest.Fault{Error: sqstest.AccessDenied("DeleteMessage")})
	held := newBench(t, ofIngest, w, nil)
	blocked := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(blocked, nil, 0o600))
	for name, c := range map[string]struct {
		env  env
		code int
		says []string
	}{
		"SQS":                   {sqs.env, 0, []string{"ok", "orders", "dead"}},
		"SQS, no such queue":    {sqs.env.with(env{"CARRIER_SQS_QUEUE_NAME": "absent"}), 1, []string{"fail", "absent"}},
		"SQS, no delete":        {denied.env, 1, []string{"fail", "delete"}},
		"SQS, nobody there":     {sqs.env.with(env{"CARRIER_SQS_ENDPOINT": "http://" + freeAddress(t)}), 1, []string{"fail"}},
		"SQS, no worker":        {sqs.env.with(env{"CARRIER_WEBHOOK_ENDPOINT": "http://" + freeAddress(t)}), 1, []string{"fail", "worker"}},
		"SQS, an unknown name":  {sqs.env.with(env{"CARRIER_SQS_QEUE": "x"}), 0, []string{"warn", "CARRIER_SQS_QEUE"}},
		"ingest":                {prepare(t, ofIngest, w, nil).env, 0, []string{"ok"}},
		"ingest, while it runs": {held.env, 0, []string{"warn", "running"}},
		"ingest, no directory":  {prepare(t, ofIngest, w, env{"CARRIER_INGEST_DATA_DIR": filepath.Join(blocked, "data")}).env, 1, []string{"fail", blocked}},
		"a healthy worker":      {prepare(t, ofIngest, w, env{"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT": w.endpoint() + "/health"}).env, 0, []string{"ok", "/health"}},
	} {
		p := run(t, c.env, "check")
		out := p.stdout.String()
		if p.code != c.code || !holdsAll(out, c.says) {
			t.Errorf("%s: exit code %d, want %d, saying %q:\n%s", name, p.code, c.code, c.says, out)
		}
		for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
			if !finding.MatchString(l) {
				t.Errorf("%s: the line %q is no finding", name, l)
			}
		}
	}
	if n := sqs.onSQS().server.Calls("ReceiveMessage"); n != 0 {
		t.Errorf("the check has made %d receives", n)
	}
	held.stop()
}

func TestLogHasTheMessageIdAndNothingOfTheMessage(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		const secret = "mention-me-not"
		w := newWorker(t, first(says(500, "X-Note: "+secret), answer{Wire: secret, Cut: true}, says(429, "Retry-After: "+secret)))
		b := newBench(t, kind, w, nil)
		id := b.put(letter{Body: secret, ContentType: "text/" + secret, Attributes: map[string]string{"Key": secret}})
		w.await(4)
		b.awaitEmpty()
		b.stop()
		if strings.Contains(b.stdout.String()+b.stderr.String(), secret) {
			t.Error("the log holds something of the message or the answer")
		}
		for _, l := range b.log() {
			about := strings.HasPrefix(l.text("msg"), "message ") || strings.HasPrefix(l.text("msg"), "attempt")
			if about && l.text("message_id") != id {
				t.Errorf("no message_id: %v", l)
			}
		}
		if len(b.logged("message failed")) == 0 || len(b.logged("message delivered")) == 0 {
			t.Error("what became of the message is not logged")
		}
	})
}

func TestLogForPeopleIsNoJSON(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_ENABLE_COLORIZED_LOGGING": "true"})
	b.stop()
	if out := b.stdout.String(); strings.HasPrefix(out, "{") || !strings.Contains(out, "starting") {
		t.Errorf("the log is %q", out)
	}
}
