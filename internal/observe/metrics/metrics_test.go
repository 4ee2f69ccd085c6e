package metrics

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"carrier/dispatch"
	"carrier/internal/tracing"
	"carrier/message"
	"carrier/receiver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An instance is a process with one route.
type instance struct {
	*Process
	*Metrics
}

func assemble(o Options) instance {
	p := NewProcess("1.2.3", "abc")
	return instance{p, p.Route(o)}
}

func options() Options {
	return Options{
		Receiver: "ingest", Concurrency: 7,
		Operations: []string{"receive", "delete"}, Duplicates: []string{"undeleted"},
	}
}

// scrape returns what Prometheus would read, a line for each series.
func scrape(t *testing.T, m interface{ Handler() http.Handler }) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.Code != 200 {
		t.Fatalf("status %d, %v", answer.Code, err)
	}
	return "\n" + string(body)
}

func expect(t *testing.T, m interface{ Handler() http.Handler }, series ...string) {
	t.Helper()
	text := scrape(t, m)
	for _, line := range series {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no series %s", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestKnownLabelsAreThereFromTheStart(t *testing.T) {
	m := assemble(options())
	m.WatchInFlight(func() int { return 3 })
	m.WatchParked(func() int { return 20 })
	m.WatchLog(func() uint64 { return 11 })
	m.WatchSpans(func() tracing.Counts { return tracing.Counts{Sent: 21, Overflowed: 22, Refused: 23} })
	ingest := func() receiver.EmbeddedQueue {
		return receiver.EmbeddedQueue{
			Messages: 4, MaxMessages: 9, Bytes: 5, MaxBytes: 10, Ready: 12, Delayed: 13, BackingOff: 14, InFlight: 15,
			DeadLetters: 16, DeadLettersDropped: 17, FilesSetAside: 18, Connections: 19,
		}
	}
	m.WatchIngest(ingest)
	m.WatchProducers(ingest)
	m.WatchDeferrals(func() int64 { return 6 })
	m.WatchConsumers(func() (int, int) { return 24, 25 })
	m.WatchWorkerAPI(func() (int, int) { return 26, 27 })
	series := []string{
		`carrier_messages_received_total{receiver="ingest"} 0`,
		`carrier_leases_lost_total 0`, `carrier_worker_up 0`, `carrier_concurrency_limit 7`,
		`carrier_last_receive_timestamp_seconds 0`, `carrier_messages_in_flight 3`, `carrier_deferrals_held 6`, `carrier_messages_parked 20`,
		`carrier_ingest_queue_messages 4`, `carrier_ingest_queue_bytes 5`,
		`carrier_ingest_queue_messages_limit 9`, `carrier_ingest_queue_bytes_limit 10`, `carrier_draining 0`,
		`carrier_ingest_messages{state="ready"} 12`, `carrier_ingest_messages{state="delayed"} 13`,
		`carrier_ingest_messages{state="backing_off"} 14`, `carrier_ingest_messages{state="in_flight"} 15`,
		`carrier_dead_letters 16`, `carrier_dead_letters_dropped_total 17`, `carrier_ingest_files_set_aside 18`,
		`carrier_ingest_connections 19`, `carrier_ingest_oldest_seconds 0`, `carrier_log_lines_dropped_total 11`,
		`carrier_spans_sent_total 21`, `carrier_spans_lost_total{cause="queue_full"} 22`, `carrier_spans_lost_total{cause="not_sent"} 23`,
		`carrier_consumer_wanted 24`, `carrier_consumer_held 25`, `carrier_consumer_waits 26`, `carrier_consumer_streams 27`,
		`carrier_messages_left_to_redrive_total 0`, `carrier_messages_rejected_total{action="retry",receiver="ingest"} 0`,
		`carrier_messages_rejected_total{action="dead-letter",receiver="ingest"} 0`, `carrier_messages_rejected_total{action="drop",receiver="ingest"} 0`,
		`carrier_attempt_duration_seconds_count 0`, `carrier_message_age_seconds_count 0`,
		`carrier_duplicates_total{cause="in_flight"} 0`, `carrier_duplicates_total{cause="undeleted"} 0`,
		`carrier_source_calls_total{operation="delete"} 0`, `carrier_ingest_requests_total{code="503"} 0`,
	}
	for _, outcome := range []string{"delivered", "deferred", "failed", "rejected", "returned", "lost"} {
		series = append(series, fmt.Sprintf(`carrier_messages_settled_total{outcome=%q,receiver="ingest"} 0`, outcome))
	}
	for _, code := range []string{"1xx", "2xx", "3xx", "4xx", "5xx", "timeout", "refused", "error"} {
		series = append(series, fmt.Sprintf(`carrier_attempts_total{code=%q} 0`, code))
	}
	for _, result := range []string{"ok", "failed", "lost"} {
		series = append(series, fmt.Sprintf(`carrier_lease_extensions_total{result=%q} 0`, result))
	}
	for _, class := range receiver.Classes() {
		series = append(series, fmt.Sprintf(`carrier_source_errors_total{class=%q,operation="receive"} 0`, class))
	}
	expect(t, m, series...)
	for _, start := range []string{`carrier_build_info{commit="abc",goversion="go`, "go_goroutines ", "process_cpu_seconds_total "} {
		if !strings.Contains(scrape(t, m), "\n"+start) {
			t.Errorf("no series that begins with %s", start)
		}
	}
}

func TestEachEventIsCounted(t *testing.T) {
	lostLease := fmt.Errorf("settle: %w", receiver.ErrLeaseLost)
	for name, tt := range map[string]struct {
		event dispatch.Event
		want  []string
	}{
		"a receive":  {dispatch.Event{Kind: dispatch.Polled, Count: 4}, []string{`carrier_messages_received_total{receiver="ingest"} 4`}},
		"a delivery": {settled(message.Outcome{Verdict: message.Delivered}, nil), []string{`carrier_messages_settled_total{outcome="delivered",receiver="ingest"} 1`, `carrier_leases_lost_total 0`}},
		"a deferral": {settled(message.Outcome{Cause: message.Deferred}, nil), []string{`carrier_messages_settled_total{outcome="deferred",receiver="ingest"} 1`}},
		"a return":   {settled(message.Outcome{}, nil), []string{`carrier_messages_settled_total{outcome="returned",receiver="ingest"} 1`}},
		"a rejection to retry": {settled(message.Outcome{Verdict: message.Rejected}, nil), []string{
			`carrier_messages_settled_total{outcome="rejected",receiver="ingest"} 1`, `carrier_messages_rejected_total{action="retry",receiver="ingest"} 1`, `carrier_messages_left_to_redrive_total 0`,
		}},
		"a dead letter": {settled(message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}, nil), []string{
			`carrier_messages_settled_total{outcome="rejected",receiver="ingest"} 1`, `carrier_messages_rejected_total{action="dead-letter",receiver="ingest"} 1`,
		}},
		"a dropped one":             {settled(message.Outcome{Verdict: message.Rejected, Action: message.Drop}, nil), []string{`carrier_messages_rejected_total{action="drop",receiver="ingest"} 1`}},
		"a lost rejection":          {settled(message.Outcome{Verdict: message.Rejected, Action: message.Drop}, lostLease), []string{`carrier_messages_rejected_total{action="drop",receiver="ingest"} 0`}},
		"a failure at the last":     {atTheLast(message.Outcome{Cause: message.Failed}, nil), []string{`carrier_messages_left_to_redrive_total 1`}},
		"a deferral at the last":    {atTheLast(message.Outcome{Cause: message.Deferred}, nil), []string{`carrier_messages_left_to_redrive_total 1`}},
		"a rejection at the last":   {atTheLast(message.Outcome{Verdict: message.Rejected}, nil), []string{`carrier_messages_left_to_redrive_total 1`}},
		"a delivery at the last":    {atTheLast(message.Outcome{Verdict: message.Delivered}, nil), []string{`carrier_messages_left_to_redrive_total 0`}},
		"a dead letter at the last": {atTheLast(message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}, nil), []string{`carrier_messages_left_to_redrive_total 0`}},
		"a lost lease at the last":  {atTheLast(message.Outcome{}, lostLease), []string{`carrier_messages_left_to_redrive_total 0`}},
		"a lost lease":              {settled(message.Outcome{Verdict: message.Delivered}, lostLease), []string{`carrier_messages_settled_total{outcome="lost",receiver="ingest"} 1`, `carrier_messages_settled_total{outcome="delivered",receiver="ingest"} 0`, `carrier_leases_lost_total 1`}},
		"an unknown end":            {settled(message.Outcome{}, errors.New("left")), []string{`carrier_messages_settled_total{outcome="lost",receiver="ingest"} 1`, `carrier_leases_lost_total 0`}},
		"a renewal":                 {dispatch.Event{Kind: dispatch.Extended}, []string{`carrier_lease_extensions_total{result="ok"} 1`}},
		"a failed renewal":          {dispatch.Event{Kind: dispatch.Extended, Err: errors.New("x")}, []string{`carrier_lease_extensions_total{result="failed"} 1`}},
		"a renewal too late":        {dispatch.Event{Kind: dispatch.Extended, Err: lostLease}, []string{`carrier_lease_extensions_total{result="lost"} 1`, `carrier_leases_lost_total 0`}},
		"a copy":                    {dispatch.Event{Kind: dispatch.Redelivered}, []string{`carrier_duplicates_total{cause="in_flight"} 1`}},
		"a comeback":                {dispatch.Event{Kind: dispatch.Redelivered, Outcome: message.Outcome{Verdict: message.Delivered}}, []string{`carrier_duplicates_total{cause="undeleted"} 1`}},
		"a dead letter's comeback":  {dispatch.Event{Kind: dispatch.Redelivered, Outcome: message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}}, []string{`carrier_duplicates_total{cause="undeleted"} 1`}},
		"nothing tried":             {attempted(""), []string{`carrier_attempt_duration_seconds_count 0`, `carrier_attempts_total{code="error"} 0`}},
		"a refusal":                 {attempted("refused"), []string{`carrier_attempts_total{code="refused"} 1`, `carrier_attempt_duration_seconds_count 0`}},
		"a success":                 {attempted("2xx"), []string{`carrier_attempts_total{code="2xx"} 1`, `carrier_attempt_duration_seconds_count 1`, `carrier_attempt_duration_seconds_bucket{le="0.5"} 1`, `carrier_attempt_duration_seconds_bucket{le="0.25"} 0`}},
		"a stop":                    {dispatch.Event{Kind: dispatch.Stopping}, []string{`carrier_draining 1`}},
		"an unheard-of code":        {attempted("9xx"), []string{`carrier_attempts_total{code="9xx"} 1`}},
	} {
		t.Run(name, func(t *testing.T) {
			m := assemble(options())
			m.Observe(tt.event)
			expect(t, m, tt.want...)
		})
	}
}

func settled(o message.Outcome, err error) dispatch.Event {
	return dispatch.Event{Kind: dispatch.Settled, Message: &message.Message{}, Outcome: o, Err: err}
}

func atTheLast(o message.Outcome, err error) dispatch.Event {
	return dispatch.Event{Kind: dispatch.Settled, Message: &message.Message{RedriveTo: "dead"}, Outcome: o, Err: err}
}

func attempted(code string) dispatch.Event {
	return dispatch.Event{Kind: dispatch.Attempted, Outcome: message.Outcome{Code: code}, Took: 400 * time.Millisecond}
}

func TestAgeIsCountedFromTheQueueToTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := assemble(options())
		event := attempted("2xx")
		event.Took = 10 * time.Second
		event.Message = &message.Message{Sent: time.Now()}
		time.Sleep(24 * time.Second)
		m.Observe(event)
		expect(t, m, `carrier_message_age_seconds_sum 14`, `carrier_message_age_seconds_count 1`)
	})
}

func TestLastReceiveIsTheTimeOfTheLastReceiveThatWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := assemble(options())
		m.Observe(dispatch.Event{Kind: dispatch.Polled})
		text := scrape(t, m)
		want := fmt.Sprintf("\ncarrier_last_receive_timestamp_seconds %v\n", float64(time.Now().Unix()))
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	})
}

func TestWhatOthersReportIsCounted(t *testing.T) {
	m := assemble(options())
	m.WatchProducers(func() receiver.EmbeddedQueue { return receiver.EmbeddedQueue{} })
	m.SourceCall("receive")
	m.SourceError("receive", receiver.Throttled)
	m.Duplicate("undeleted")
	m.IngestRequest(413)
	m.SetWorkerUp(true)
	expect(t, m, `carrier_source_calls_total{operation="receive"} 1`, `carrier_duplicates_total{cause="undeleted"} 1`,
		`carrier_source_errors_total{class="throttled",operation="receive"} 1`, `carrier_ingest_requests_total{code="413"} 1`, `carrier_worker_up 1`)
	m.SetWorkerUp(false)
	expect(t, m, `carrier_worker_up 0`)
}

func TestWhatIsForwardedIsCounted(t *testing.T) {
	m := assemble(options())
	if text := scrape(t, m); strings.Contains(text, "carrier_forward_") || strings.Contains(text, "carrier_ingest_stored_total") {
		t.Error("metrics of a queue that messages go to are there without one")
	}
	f := m.WatchForward()
	s := m.WatchStore([]string{"queue", "file"}, []string{"unknown", "refused"})
	expect(t, m, `carrier_forward_up 0`, `carrier_forward_call_duration_seconds_count 0`,
		`carrier_ingest_stored_total{in="file"} 0`, `carrier_ingest_store_failures_total{cause="unknown"} 0`)
	f.SetUp(true)
	f.Called(2 * time.Millisecond)
	for _, word := range []string{"queue", "queue", "file", "refused"} {
		s.Kept(word)
	}
	expect(t, m, `carrier_forward_up 1`, `carrier_forward_call_duration_seconds_bucket{le="0.0025"} 1`,
		`carrier_ingest_stored_total{in="queue"} 2`, `carrier_ingest_stored_total{in="file"} 1`,
		`carrier_ingest_store_failures_total{cause="refused"} 1`, `carrier_ingest_store_failures_total{cause="unknown"} 0`)
}

func TestIngestIsAbsentWithOtherReceivers(t *testing.T) {
	m := assemble(Options{Receiver: "sqs"})
	expect(t, m, `carrier_deferrals_held 0`)
	if text := scrape(t, m); strings.Contains(text, "carrier_ingest_") || strings.Contains(text, "carrier_dead_letters") {
		t.Errorf("metrics of the embedded queue:\n%s", text)
	}
}

func TestOldestMessageHasAnAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := assemble(options())
		since := time.Now()
		m.WatchIngest(func() receiver.EmbeddedQueue { return receiver.EmbeddedQueue{Oldest: since} })
		time.Sleep(90 * time.Second)
		expect(t, m, `carrier_ingest_oldest_seconds 90`)
	})
}

func TestManyMayCountAtOnce(t *testing.T) {
	m := assemble(options())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				m.Observe(settled(message.Outcome{Verdict: message.Delivered}, nil))
				m.SourceError("other", receiver.Other)
			}
		})
	}
	all.Wait()
	expect(t, m, `carrier_messages_settled_total{outcome="delivered",receiver="ingest"} 800`)
}

func TestEachRouteHasItsLabelAndTheProcessHasNone(t *testing.T) {
	p := NewProcess("1.2.3", "abc")
	ingest := func() receiver.EmbeddedQueue {
		return receiver.EmbeddedQueue{Messages: 4, EvictedDropped: 3, EvictedDead: 2, Offline: true, RemovedDropped: 7}
	}
	mail := p.Route(Options{Route: "mail", Receiver: "ingest", Operations: []string{"receive"}})
	orders := p.Route(Options{Route: "orders", Receiver: "sqs", Operations: []string{"receive"}})
	mail.WatchIngest(ingest)
	p.WatchProducers(ingest)
	p.WatchLog(func() uint64 { return 0 })
	orders.WatchInFlight(func() int { return 2 })
	orders.Observe(settled(message.Outcome{Verdict: message.Delivered}, nil))
	mail.SetWorkerUp(true)
	expect(t, p,
		`carrier_messages_settled_total{outcome="delivered",receiver="sqs",route="orders"} 1`,
		`carrier_messages_settled_total{outcome="delivered",receiver="ingest",route="mail"} 0`,
		`carrier_messages_in_flight{route="orders"} 2`, `carrier_worker_up{route="mail"} 1`, `carrier_worker_up{route="orders"} 0`,
		`carrier_ingest_queue_messages{route="mail"} 4`, `carrier_ingest_messages{route="mail",state="ready"} 0`,
		`carrier_subscription_evicted_total{action="drop",route="mail"} 3`, `carrier_subscription_evicted_total{action="dead-letter",route="mail"} 2`, `carrier_subscription_offline{route="mail"} 1`,
		`carrier_ingest_connections 0`, `carrier_ingest_removed_dropped_total 7`, `carrier_ingest_files_set_aside 0`, `carrier_ingest_requests_total{code="200"} 0`, `carrier_log_lines_dropped_total 0`,
	)
	for line := range strings.Lines(scrape(t, p)) {
		of := strings.HasPrefix(line, "go_") || strings.HasPrefix(line, "process_") || strings.HasPrefix(line, "#") || line == "\n"
		of = of || strings.HasPrefix(line, "carrier_ingest_connections") || strings.HasPrefix(line, "carrier_ingest_files") ||
			strings.HasPrefix(line, "carrier_ingest_requests") || strings.HasPrefix(line, "carrier_ingest_removed") || strings.HasPrefix(line, "carrier_log_lines") || strings.HasPrefix(line, "carrier_build_info")
		if of == strings.Contains(line, `route="`) {
			t.Errorf("the label route is wrong in %s", line)
		}
	}
}

func TestNothingTakenAwayIsZeroFromTheStart(t *testing.T) {
	p := NewProcess("1.2.3", "abc")
	none := func() receiver.EmbeddedQueue { return receiver.EmbeddedQueue{} }
	p.Route(Options{Route: "mail", Receiver: "ingest"}).WatchIngest(none)
	p.WatchProducers(none)
	expect(t, p, `carrier_subscription_evicted_total{action="drop",route="mail"} 0`, `carrier_subscription_evicted_total{action="dead-letter",route="mail"} 0`,
		`carrier_subscription_offline{route="mail"} 0`, `carrier_ingest_removed_dropped_total 0`)
}

func TestOneRouteWithoutANameHasNoLabel(t *testing.T) {
	m := assemble(options())
	m.WatchIngest(func() receiver.EmbeddedQueue { return receiver.EmbeddedQueue{} })
	if text := scrape(t, m); strings.Contains(text, "route=") || strings.Contains(text, "carrier_subscription_") {
		t.Errorf("metrics of several routes:\n%s", text)
	}
}
