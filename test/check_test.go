package test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/sqstest"
)

// Section 1: the preflight.

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
	other := programtest.FreeListener(t)
	defer func() { _ = other.Close() }()
	taken := other.Addr().String()
	stored, _ := stoppedQueue(t, "a", "b")
	torn, tornFile := stoppedQueue(t, "damaged")
	data, err := os.ReadFile(tornFile)
	must(t, err)
	must(t, os.WriteFile(tornFile, bytes.ReplaceAll(data, []byte("damaged"), []byte("Damaged")), 0o600))
	away := programtest.FreeAddress(t)
	blocked := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(blocked, nil, 0o600))
	for name, c := range map[string]struct {
		env  env
		code int
		says []string
	}{
		"SQS":                      {sqs.env, 0, []string{"ok", "orders", "dead"}},
		"SQS, no such queue":       {sqs.env.with(env{"CARRIER_SQS_QUEUE_NAME": "absent"}), 1, []string{"fail", "absent"}},
		"SQS, no delete":           {denied.env, 1, []string{"fail", "delete"}},
		"SQS, nobody there":        {sqs.env.with(env{"CARRIER_SQS_ENDPOINT": "http://" + programtest.FreeAddress(t)}), 1, []string{"fail"}},
		"SQS, no worker":           {sqs.env.with(env{"CARRIER_WEBHOOK_ENDPOINT": "http://" + programtest.FreeAddress(t)}), 1, []string{"fail", "worker"}},
		"SQS, an unknown name":     {sqs.env.with(env{"CARRIER_SQS_QEUE": "x"}), 0, []string{"warn", "CARRIER_SQS_QEUE"}},
		"ingest":                   {prepare(t, ofIngest, w, nil).env, 0, []string{"ok", "queue file: none yet"}},
		"ingest, what is stored":   {stored.env.with(env{"CARRIER_WEBHOOK_ENDPOINT": w.endpoint()}), 0, []string{"queue file: 2 messages, 0 dead letters"}},
		"ingest, a damaged file":   {torn.env.with(env{"CARRIER_WEBHOOK_ENDPOINT": w.endpoint()}), 0, []string{"warn", "is damaged", "carrier queue check " + tornFile}},
		"ingest, while it runs":    {held.env, 0, []string{"ok", "ingest address " + held.env["CARRIER_INGEST_ADDRESS"] + " is in use by the carrier that runs", "queue file: in use by the carrier that runs", "admin port " + held.admin + " is in use by the carrier that runs"}},
		"ingest, taken by another": {prepare(t, ofIngest, w, env{"CARRIER_INGEST_ADDRESS": taken}).env, 1, []string{"fail", "ingest address " + taken}},
		"the admin port is taken":  {prepare(t, ofIngest, w, env{"CARRIER_ADMIN_ADDRESS": taken}).env, 1, []string{"fail", "admin port " + taken}},
		"no admin port":            {prepare(t, ofIngest, w, env{"CARRIER_ADMIN_ADDRESS": ""}).env, 0, []string{"admin port: off"}},
		"dead letters to nowhere":  {prepare(t, ofSQS, w, env{"CARRIER_REJECT_ACTION": "dead-letter"}).env, 1, []string{"fail", "CARRIER_REJECT_ACTION"}},
		"two defaults":             {prepare(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": ""}).env, 0, []string{"visibility timeout 30s, renewed"}},
		"ingest, no directory":     {prepare(t, ofIngest, w, env{"CARRIER_INGEST_DATA_DIR": filepath.Join(blocked, "data")}).env, 1, []string{"fail", blocked}},
		"keys, counted":            {prepare(t, ofIngest, w, env{"CARRIER_WEBHOOK_SIGNING_SECRETS": "whsec_" + strings.Repeat("QUFB", 8) + ",whsec_" + strings.Repeat("QkJC", 8)}).env, 0, []string{"ok", "signing: 2 keys of v1 (whsec_) and 0 of v1a (whsk_)"}},
		"a proxy that is away":     {prepare(t, ofIngest, w, env{"CARRIER_WEBHOOK_PROXY": "http://user:hunter2@" + away}).env, 1, []string{"fail", w.endpoint() + "/ through the proxy " + away + ": "}},
		"one endpoint of two":      {prepare(t, ofIngest, w, env{"CARRIER_WEBHOOK_ENDPOINT": w.endpoint() + ",http://" + away + "/hook"}).env, 1, []string{"ok    worker: " + w.endpoint(), "fail  worker: http://" + away + "/hook: "}},
		"a healthy worker":         {prepare(t, ofIngest, w, env{"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT": w.endpoint() + "/health"}).env, 0, []string{"ok", "/health"}},
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
