package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Section 9: the admin port.

// promised are the metrics that operators build on, each with the samples that are there from
// the start, as far as they are known.
func promised(receiver string) map[string][]string {
	of := `receiver="` + receiver + `"`
	all := map[string][]string{
		"carrier_messages_received_total": {of},
		"carrier_messages_settled_total": {
			of, `outcome="delivered"`, `outcome="deferred"`, `outcome="failed"`, `outcome="rejected"`, `outcome="returned"`, `outcome="lost"`,
		},
		"carrier_attempts_total":                 {`code="2xx"`, `code="4xx"`, `code="5xx"`, `code="timeout"`, `code="refused"`, `code="error"`},
		"carrier_attempt_duration_seconds":       nil,
		"carrier_message_age_seconds":            nil,
		"carrier_messages_in_flight":             nil,
		"carrier_concurrency_limit":              nil,
		"carrier_lease_extensions_total":         {`result="ok"`},
		"carrier_leases_lost_total":              nil,
		"carrier_deferrals_held":                 nil,
		"carrier_messages_parked":                nil,
		"carrier_receiving":                      nil,
		"carrier_last_receive_timestamp_seconds": nil,
		"carrier_worker_up":                      nil,
		"carrier_draining":                       nil,
		"carrier_messages_rejected_total":        {of, `action="retry"`, `action="dead-letter"`, `action="drop"`},
		"carrier_messages_left_to_redrive_total": nil,
		"carrier_log_lines_dropped_total":        nil,
		"carrier_audit_dropped_total":            nil,
		"carrier_duplicates_total":               {`cause="`},
		"carrier_build_info":                     {`version="`},
	}
	switch receiver {
	case "sqs":
		all["carrier_source_calls_total"] = []string{`operation="receive"`}
		all["carrier_source_errors_total"] = []string{`operation="receive"`, `class="throttled"`, `class="network"`}
	case "ingest":
		all["carrier_ingest_requests_total"] = []string{`code="200"`, `code="401"`, `code="405"`, `code="413"`, `code="503"`}
		all["carrier_ingest_messages"] = []string{`state="ready"`, `state="delayed"`, `state="backing_off"`, `state="in_flight"`}
		for _, name := range []string{
			"carrier_ingest_queue_messages", "carrier_ingest_queue_bytes", "carrier_ingest_queue_messages_limit", "carrier_ingest_queue_bytes_limit",
			"carrier_ingest_oldest_seconds", "carrier_ingest_connections", "carrier_ingest_files_set_aside",
			"carrier_dead_letters", "carrier_dead_letters_dropped_total",
		} {
			all[name] = nil
		}
	}
	return all
}

func TestEveryMetricIsThereFromTheStart(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		w := absentWorker(t, always(says(200)))
		b := prepare(t, kind, w, nil)
		b.start()
		b.awaitLog("source reached")
		r := b.ask("/metrics")
		if r.Status != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
			t.Fatalf("/metrics: %d %v", r.Status, r.Header)
		}
		lines := strings.Split(r.Body, "\n")
		starts := func(start string) bool {
			return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, start) })
		}
		for name, labels := range promised(kind) {
			if !starts("# HELP "+name+" ") || !starts("# TYPE "+name+" ") {
				t.Errorf("%s has no HELP or TYPE", name)
			}
			for _, label := range labels {
				if !slices.ContainsFunc(lines, func(l string) bool {
					return strings.HasPrefix(l, name+"{") && strings.Contains(l, label)
				}) {
					t.Errorf("%s has no sample with %s", name, label)
				}
			}
			if strings.HasSuffix(name, "_total") && !strings.HasPrefix(name, "carrier_source_") && b.metric(name) != 0 {
				t.Errorf("%s is not 0 at the start", name)
			}
		}
		if b.metric("carrier_concurrency_limit") != 4 || b.metric("carrier_build_info") != 1 || b.metric("carrier_worker_up") != 0 || b.metric("carrier_draining") != 0 {
			t.Error("carrier_concurrency_limit, carrier_build_info or carrier_worker_up is wrong")
		}
		b.stop()
	})
}

func TestMetricsCountWhatHappens(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		hold := make(chan struct{})
		w := by.newWorker(t, first(held(says(200), hold), held(says(500), hold)))
		b := newBench(t, kind, w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
		b.putAll("a", "b")
		w.await(2)
		if n := b.metric("carrier_messages_in_flight"); n != 2 {
			t.Errorf("%v in flight, want 2", n)
		}
		if kind == ofIngest && (b.source.left(b.program) != 2 || b.metric("carrier_ingest_queue_bytes") <= 0 || b.metric("carrier_ingest_queue_messages_limit") != 1_000_000) {
			t.Error("the queue's size is wrong")
		}
		close(hold)
		b.awaitEmpty()
		until(t, "two delivered", func() bool { return b.settled("delivered") == 2 })
		for name, want := range map[string]float64{
			`carrier_messages_received_total`:        3,
			`carrier_attempt_duration_seconds_count`: 3,
			`carrier_message_age_seconds_count`:      3,
			`carrier_messages_in_flight`:             0,
			`carrier_worker_up`:                      1,
			`carrier_duplicates_total`:               0,
		} {
			if got := b.metric(name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if b.settled("failed") != 1 || b.metric("carrier_attempts_total", `code="5xx"`) != 1 || b.metric("carrier_attempts_total", `code="2xx"`) != 2 {
			t.Error("attempts or outcomes are counted wrong")
		}
		if b.metric("carrier_last_receive_timestamp_seconds") == 0 {
			t.Error("carrier_last_receive_timestamp_seconds is 0 after a receive")
		}
		if kind == ofIngest && b.metric("carrier_ingest_requests_total", `code="200"`) != 2 {
			t.Error("carrier_ingest_requests_total is wrong")
		}
		b.stop()
	})
}

func TestProbesAnswerForThemselves(t *testing.T) {
	t.Parallel()
	w := absentWorker(t, always(says(200)))
	b := prepare(t, ofIngest, w, nil)
	b.start()
	b.awaitLog("source reached")
	if r := b.ask("/livez"); r.Status != http.StatusOK {
		t.Errorf("/livez looks at the worker: %d", r.Status)
	}
	r := b.ask("/readyz")
	var why struct{ Reasons map[string]string }
	if err := json.Unmarshal([]byte(r.Body), &why); r.Status != http.StatusServiceUnavailable || err != nil || why.Reasons["worker"] == "" {
		t.Errorf("/readyz without a worker: %d %s", r.Status, r.Body)
	}
	w.listen()
	b.awaitReady()
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/": 404, "/drainz": 404} {
		if got := b.ask(path).Status; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if got := send(t, http.MethodPost, "http://"+b.admin+path, "x").Status; got != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, got)
		}
	}
	b.stop()
}

func TestAdminPortCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := prepare(t, ofIngest, w, nil)
	at := b.env["CARRIER_ADMIN_ADDRESS"]
	b.env["CARRIER_ADMIN_ADDRESS"] = ""
	b.start()
	b.awaitLog("worker takes messages")
	if r := call(t, http.MethodGet, "http://"+at+"/livez"); r.Status != 0 {
		t.Errorf("somebody answers: %d", r.Status)
	}
	stored(t, send(t, http.MethodPost, b.onIngest().url(), "a"))
	w.await(1)
	b.stop()
}
