package test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"carrier/internal/testkit/programtest"
)

// Sections 15 and 16: the audit trail, the page, and the commands that ask a carrier that runs.

// A record is a line of the audit trail.
type record struct {
	Event, Route, Endpoint, Outcome, Reason string
	MessageID                               string `json:"message_id"`
	Attempt, Attempts, Status               int
	ReceiveCount                            int `json:"receive_count"`
	DelayMS                                 int `json:"delay_ms"`
	OK                                      bool
}

// records reads lines of JSON, and leaves out those that are no records.
func records(t *testing.T, text string) (all []record) {
	t.Helper()
	for line := range strings.Lines(text) {
		var r record
		must(t, json.Unmarshal([]byte(line), &r))
		if r.Event != "" {
			all = append(all, r)
		}
	}
	return all
}

// events says of each record what it is and how it ended.
func events(all []record) (words []string) {
	for _, r := range all {
		words = append(words, r.Event+" "+r.Outcome)
	}
	return words
}

// TestAuditSaysWhatBecameOfAMessage has a message fail twice and succeed, and asks for it in each way.
func TestAuditSaysWhatBecameOfAMessage(t *testing.T) {
	t.Parallel()
	want := []string{"attempt failed", "settled failed", "attempt failed", "settled failed", "attempt delivered", "settled delivered"}
	for to, e := range map[string]env{
		"off":    nil,
		"stdout": {"CARRIER_AUDIT": "stdout"},
		"file":   {"CARRIER_AUDIT": "file", "CARRIER_AUDIT_DIR": filepath.Join(t.TempDir(), "audit")},
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, first(says(500), says(503)))
			b := newBench(t, ofIngest, w, env{"CARRIER_ADMIN_TOKEN": "secret", "CARRIER_LOG_LEVEL": "warn"}.with(e))
			id := b.put(testMessage{Body: "hunter2"})
			w.await(3)
			b.awaitEmpty()
			var got []record
			until(t, "all is told", func() bool {
				asked := run(t, b.env, "audit", "--message", id, "--since", "1h")
				got = records(t, asked.stdout.String())
				return asked.code == 0 && len(got) == len(want)
			})
			if !slices.Equal(events(got), want) {
				t.Errorf("%v, want %v", events(got), want)
			}
			for i, r := range got {
				if r.MessageID != id || r.Route != "default" || i%2 == 0 && (r.Attempt != i/2+1 || r.Endpoint != w.endpoint()+"/") || i%2 == 1 && !r.OK {
					t.Errorf("%d: %+v", i, r)
				}
			}
			if got[0].Status != 500 || got[0].Reason == "" || got[0].DelayMS == 0 || got[4].Status != 200 || got[5].Attempts != 3 {
				t.Errorf("%+v", got)
			}
			for outcome, n := range map[string]int{"failed": 4, "delivered": 2, "lost": 0} {
				if asked := run(t, b.env, "audit", "--outcome", outcome); asked.code != 0 || len(records(t, asked.stdout.String())) != n {
					t.Errorf("%s: exit code %d, %s", outcome, asked.code, asked.stdout.String())
				}
			}
			b.stop()
			onStdout := slices.DeleteFunc(records(t, b.stdout.String()), func(r record) bool { return r.MessageID != id })
			if to == "stdout" != (len(onStdout) == len(want)) || strings.Contains(b.stdout.String(), "hunter2") {
				t.Errorf("on stdout %v", onStdout)
			}
			if n := len(records(t, run(t, b.env, "audit").stdout.String())); (to == "file") != (n == len(want)) {
				t.Errorf("%d lines when no carrier runs", n)
			}
		})
	}
}

func TestAuditDirectoryThatCannotBeWrittenToEndsTheStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	b := prepare(t, ofIngest, newWorker(t, always(says(200))), env{"CARRIER_AUDIT": "file", "CARRIER_AUDIT_DIR": filepath.Join(file, "audit")})
	if p := run(t, b.env); p.code != 2 || !strings.Contains(p.stdout.String(), "CARRIER_AUDIT_DIR") {
		t.Errorf("exit code %d:\n%s", p.code, p.stdout.String())
	}
}

func TestCommandsSayWhatTheyNeed(t *testing.T) {
	t.Parallel()
	address := programtest.FreeAddress(t)
	for name, c := range map[string]struct {
		e    env
		args []string
		code int
		says string
	}{
		"audit without a token": {env{"CARRIER_ADMIN_ADDRESS": address}, []string{"audit"}, 1, "CARRIER_ADMIN_TOKEN"},
		"audit without a port":  {env{"CARRIER_ADMIN_ADDRESS": ""}, []string{"audit"}, 1, "CARRIER_ADMIN_ADDRESS"},
		"audit of nobody":       {env{"CARRIER_ADMIN_ADDRESS": address, "CARRIER_ADMIN_TOKEN": "t"}, []string{"audit"}, 1, "refused"},
		"audit of no outcome":   {nil, []string{"audit", "--outcome", "acked"}, 2, "--outcome must be one of"},
		"audit of no time":      {nil, []string{"audit", "--since", "soon"}, 2, "since"},
		"top of nobody":         {env{"CARRIER_ADMIN_ADDRESS": address, "CARRIER_ADMIN_TOKEN": "t"}, []string{"top", "--once"}, 1, "refused"},
		"top with more":         {nil, []string{"top", "--twice"}, 2, "top takes"},
		"a page for nobody":     {env{"CARRIER_ADMIN_PAGE": "true"}, []string{"config"}, 2, "CARRIER_ADMIN_PAGE"},
	} {
		if p := run(t, c.e, c.args...); p.code != c.code || !strings.Contains(p.stderr.String(), c.says) {
			t.Errorf("%s: exit code %d:\n%s", name, p.code, p.stderr.String())
		}
	}
}

// TestTopAndThePageShowTheRoutes looks at both beside a route whose breaker is open.
func TestTopAndThePageShowTheRoutes(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(500)))
	b := newBench(t, ofIngest, w, env{
		"CARRIER_ADMIN_TOKEN": "secret", "CARRIER_ADMIN_PAGE": "true",
		"CARRIER_WEBHOOK_BREAKER_FAILURES": "1", "CARRIER_WEBHOOK_BREAKER_COOLDOWN": "1h",
	})
	b.put(testMessage{Body: "a"})
	b.awaitLog("breaker open")
	state := call(t, http.MethodGet, "http://"+b.admin+"/v1/state", "Authorization", "Bearer secret")
	if !strings.Contains(state.Body, `"breaker":"open"`) {
		t.Errorf("state %s", state.Body)
	}
	shown := run(t, b.env, "top")
	if out := shown.stdout.String(); shown.code != 0 || !strings.Contains(out, "default: breaker open: "+w.endpoint()) || strings.Contains(out, "\x1b") {
		t.Errorf("exit code %d:\n%s", shown.code, out)
	}
	page := b.ask("/")
	if page.Status != 200 || !strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'none'") || page.Header.Get("Set-Cookie") != "" {
		t.Errorf("the page: %d %v", page.Status, page.Header)
	}
	for path, status := range map[string]int{"/page.js": 200, "/page.css": 200, "/other": 404, "/v1/state": 401, "/livez": 200} {
		if r := b.ask(path); r.Status != status {
			t.Errorf("%s: %d", path, r.Status)
		}
	}
	b.stop()
}
