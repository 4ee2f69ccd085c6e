//go:build otel

// Package otel holds the program that is built with the tag otel to what it promises, from outside.
package otel

import (
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"carrier/internal/testkit/oteltest"
	"carrier/internal/testkit/programtest"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// built is the path of the program, built once for all tests.
func built(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "carrier")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "otel", "-o", to, "carrier")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return to
}

// A worker answers with a status, and counts the requests by their traceparent.
type worker struct {
	url    string
	status int
	mu     sync.Mutex
	posts  map[string]int
}

func newWorker(t *testing.T, status int) *worker {
	t.Helper()
	w := &worker{status: status, posts: map[string]int{}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL + "/hook"
	return w
}

func (w *worker) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts[r.Header.Get("Traceparent")]++
	answer.WriteHeader(w.status)
}

// got is how many posts with the producer's trace there were.
func (w *worker) got() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posts[parent]
}

// A producer stores a message with a trace.
type producer struct{ trace, body string }

const envelope = `{"Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": "a body",
	"MessageAttributes": {"traceparent": {"Type": "String", "Value": "` + parent + `"}}}`

// TestEachPostOfTheProgramHasASpan posts until a message has failed over from one endpoint to another,
// and stops the program: what was waiting is sent before the end.
func TestEachPostOfTheProgramHasASpan(t *testing.T) {
	program := built(t)
	version, err := exec.CommandContext(t.Context(), program, "version").Output()
	if err != nil || !strings.Contains(string(version), "\nOpenTelemetry built in\n") {
		t.Errorf("version says %q, %v", version, err)
	}
	for name, c := range map[string]struct {
		collector *oteltest.Collector
		producer  producer
	}{
		"the producer's trace in a header":                        {oteltest.New(t), producer{parent, "a body"}},
		"a collector over TLS, the trace in an envelope of SNS's": {oteltest.NewTLS(t), producer{"", envelope}},
	} {
		t.Run(name, func(t *testing.T) {
			failing, working := newWorker(t, 500), newWorker(t, 200)
			failOver(t, program, []string{
				"CARRIER_WEBHOOK_ENDPOINT=" + failing.url + "," + working.url, "CARRIER_UNWRAP=sns",
				"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.collector.URL, "OTEL_EXPORTER_OTLP_CERTIFICATE=" + c.collector.Certificate, "OTEL_SERVICE_NAME=orders",
			}, func() bool { return failing.got() > 0 && working.got() > 0 }, c.producer)
			spansOfAllPosts(t, c.collector, failing, working)
		})
	}
}

// failOver runs the program while p stores messages until done says so.
func failOver(t *testing.T, program string, environment []string, done func() bool, p producer) {
	t.Helper()
	ingest := programtest.FreeAddress(t)
	cmd := exec.Command(program)
	cmd.Dir = t.TempDir()
	cmd.Env = slices.Concat(environment, []string{"CARRIER_INGEST_ADDRESS=" + ingest, "CARRIER_ADMIN_ADDRESS="})
	var output programtest.Output
	cmd.Stdout, cmd.Stderr = &output, &output
	running := programtest.Start(t, cmd)
	for begun := time.Now(); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > programtest.Limit {
			t.Fatalf("no message failed over:\n%s", output.String())
		}
		p.put(t, "http://"+ingest+"/")
	}
	running.Signal(syscall.SIGTERM)
	if code := running.Wait(); code != 0 {
		t.Errorf("exit code %d\n%s", code, output.String())
	}
}

// spansOfAllPosts compares the spans with the posts to both workers.
func spansOfAllPosts(t *testing.T, collector *oteltest.Collector, failing, working *worker) {
	t.Helper()
	if name := collector.Resource()["service.name"]; name != "orders" {
		t.Errorf("the spans are of %q", name)
	}
	counts := map[string]int{}
	for _, span := range collector.Spans() {
		of := oteltest.Attributes(span.GetAttributes())
		counts[of["carrier.endpoint"]+" "+of["http.response.status_code"]]++
		if links := span.GetLinks(); len(links) != 1 || hex.EncodeToString(links[0].GetSpanId()) != "b7ad6b7169203331" {
			t.Errorf("a span is linked to %v", links)
		}
	}
	if want := map[string]int{failing.url + " 500": failing.got(), working.url + " 200": working.got()}; !maps.Equal(counts, want) {
		t.Errorf("spans %v, posts %v", counts, want)
	}
}

// put stores a message, unless the program does not listen yet.
func (p producer) put(t *testing.T, to string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	if p.trace != "" {
		r.Header.Set("Traceparent", p.trace)
	}
	if answer, err := http.DefaultClient.Do(r); err == nil {
		_ = answer.Body.Close()
	}
}
