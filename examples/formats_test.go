//go:build unix

package examples

import (
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"carrier/internal/testkit/programtest"
)

// An exampleOfFormat is a section of the README of examples/formats: how the worker is started, and
// what is sent to it.
type exampleOfFormat struct{ start, send string }

// examplesOfFormats are the sections, by the worker's file.
func examplesOfFormats(t *testing.T) map[string]exampleOfFormat {
	t.Helper()
	section := regexp.MustCompile("```sh\n((?:export .*\n)?CARRIER_.*formats/(.*)\n)```\n\n```sh\n((?s:.*?))```")
	all := map[string]exampleOfFormat{}
	for _, s := range section.FindAllStringSubmatch(content(t, "formats/README.md"), -1) {
		all[s[2]] = exampleOfFormat{start: s[1], send: s[3]}
	}
	return all
}

// TestWorkersOfOtherSendersGetWhatTheyExpect runs what the README of examples/formats has its reader
// run: each worker beside carrier, and one message.
func TestWorkersOfOtherSendersGetWhatTheyExpect(t *testing.T) {
	t.Parallel()
	all := examplesOfFormats(t)
	for file, wanted := range map[string]string{
		"cloudevents.mjs": `worker: com\.example\.order from /\S+: order 7 {"order":7}`,
		"sqsd.py":         `worker: message [^ ,]+, color red: order 7`,
		"pubsub_push.py":  `worker: \S+ of \S+, color red: order 7`,
		"lambda.mjs":      `worker: aws:sqs red order 7`,
		"sns.py":          `worker: red order 7`,
		"signed.py":       `worker: verified order 7`,
	} {
		example, found := all[file]
		delete(all, file)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			if !found {
				t.Fatal("the README does not start it")
			}
			if _, err := exec.LookPath("python3"); err != nil && strings.HasSuffix(file, ".py") {
				t.Log("NOT TESTED: the worker in Python, because there is no python3 here")
				return
			}
			admin, door, worker := programtest.FreeAddress(t), programtest.FreeAddress(t), programtest.FreeAddress(t)
			script := strings.NewReplacer("bin/run", built("run"), "./carrier", built("carrier"), "examples/formats/", "formats/").Replace(example.start)
			p := start(t, []string{
				"WORKER_ADDRESS=" + worker, "CARRIER_INGEST_ADDRESS=" + door, "CARRIER_ADMIN_ADDRESS=" + admin, "CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
			}, "bash", "-ec", script)
			p.await("carrier is ready")
			bash(t, strings.ReplaceAll(example.send, "127.0.0.1:8080", door))
			p.lines(`(?m)^`+wanted+`$`, 1)
			awaitMetric(t, admin, `carrier_messages_settled_total{outcome="delivered",receiver="ingest"} 1`)
			if file == "signed.py" {
				if resp := post(t, "http://"+worker+"/", "", "order 8"); resp.status != http.StatusUnauthorized {
					t.Errorf("what is not signed is answered %d", resp.status)
				}
			}
		})
	}
	for file := range all {
		t.Errorf("no test for %s", file)
	}
}

// awaitMetric waits until the metrics at an admin address have this line.
func awaitMetric(t *testing.T, admin, line string) {
	t.Helper()
	for deadline := time.Now().Add(waitTimeout); ; time.Sleep(20 * time.Millisecond) {
		page := metrics(t, admin)
		if strings.Contains(page, line+"\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s:\n%s", line, page)
		}
	}
}

func metrics(t *testing.T, admin string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestShellSignsWhatIngestTakes runs the shell example of the page on policies.
func TestShellSignsWhatIngestTakes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Log("NOT TESTED: signing in a shell, because there is no openssl here")
		return
	}
	keys := start(t, nil, built("carrier"), "keys")
	if code := keys.Wait(); code != 0 {
		t.Fatalf("carrier keys: exit code %d\n%s", code, keys.out.String())
	}
	secret := strings.TrimSpace(keys.out.String())
	w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, built("worker-go"))
	door := programtest.FreeAddress(t)
	c := start(t, []string{
		"CARRIER_WEBHOOK_ENDPOINT=" + w.listening(), "CARRIER_INGEST_ADDRESS=" + door, "CARRIER_INGEST_SIGNING_SECRETS=" + secret,
		"CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
	}, built("carrier"))
	c.await(`"source reached"`)
	script := strings.ReplaceAll(commands(t, content(t, "../docs/policies.md"), "ID=")[0], "https://carrier.example", "http://"+door)
	for key, want := range map[string]string{"whsec_" + strings.Repeat("QUJD", 8): " 401 ", secret: " 200 "} {
		p := start(t, []string{"SECRET=" + key}, "bash", "-ec", script)
		if code := p.Wait(); code != 0 || !strings.Contains(p.out.String(), want) {
			t.Errorf("exit code %d, want the answer%s:\n%s", code, want, p.out.String())
		}
	}
	w.await(`{"order":7}`)
}
