package metrics

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"carrier/dispatch"
	"carrier/message"
	"carrier/receiver"
)

// everything is a process with two routes, every metric of which is there.
func everything() *Process {
	p := NewProcess("1.2.3", "abc")
	p.WatchLog(func() uint64 { return 0 })
	queue := func() receiver.EmbeddedQueue { return receiver.EmbeddedQueue{} }
	p.WatchProducers(queue)
	p.IngestRequest(777)
	for _, name := range []string{"mail", "orders"} {
		o := options()
		o.Route = name
		m := p.Route(o)
		m.WatchInFlight(func() int { return 0 })
		m.WatchParked(func() int { return 0 })
		m.WatchIngest(queue)
		m.SetBreakerOpen(`http://127.0.0.1/"\`+"\n", true)
		m.SourceError("unheard of", receiver.Other)
		m.Observe(attempted("2xx"))
	}
	return p
}

// TestPrometheusReadsTheMetrics gives them to Prometheus' own parser, which refuses a second HELP or
// TYPE of one name, a series apart from its name's, and one that comes twice.
func TestPrometheusReadsTheMetrics(t *testing.T) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(scrape(t, everything())))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		if strings.HasPrefix(name, "carrier_") && (f.GetHelp() == "" || f.GetType().String() == "UNTYPED") {
			t.Errorf("%s has the type %s and the help %q", name, f.GetType(), f.GetHelp())
		}
	}
	for _, m := range families["carrier_attempt_duration_seconds"].GetMetric() {
		if h := m.GetHistogram(); h.GetSampleCount() != 1 || h.GetSampleSum() != .4 || len(h.GetBucket()) != 18 {
			t.Errorf("a histogram was read as %v", h)
		}
	}
	breaker := families["carrier_breaker_open"].GetMetric()
	if len(breaker) != 2 || breaker[0].GetLabel()[0].GetValue() != `http://127.0.0.1/"\`+"\n" {
		t.Errorf("breakers were read as %v", breaker)
	}
}

func TestEachNameIsDescribedOnceInTheOrderOfNames(t *testing.T) {
	var last string
	for line := range strings.Lines(scrape(t, everything())) {
		name, ours := strings.CutPrefix(line, "# TYPE carrier_")
		if ours && name <= last {
			t.Errorf("%s comes after %s", name, last)
		} else if ours {
			last = name
		}
	}
	if last != "worker_up gauge\n" {
		t.Errorf("the last one is %q", last)
	}
}

// TestWhatTheDashboardAsksOfTheProcessIsTyped looks at the metrics that are not carrier's own.
func TestWhatTheDashboardAsksOfTheProcessIsTyped(t *testing.T) {
	expect(t, everything(), "# TYPE process_cpu_seconds_total counter", "# TYPE process_resident_memory_bytes gauge",
		"# TYPE process_start_time_seconds gauge", "# TYPE process_open_fds gauge", "# TYPE process_max_fds gauge",
		"# TYPE go_goroutines gauge", "# TYPE go_memstats_heap_alloc_bytes gauge", "# TYPE go_gc_duration_seconds summary")
}

func TestAttemptIsInEveryBucketThatIsNotBelowIt(t *testing.T) {
	const name = "carrier_attempt_duration_seconds"
	for what, tt := range map[string]struct {
		took time.Duration
		want []string
	}{
		"no time":         {0, []string{`_bucket{le="0.001"} 1`, `_sum 0`}},
		"a bound":         {time.Second, []string{`_bucket{le="0.5"} 0`, `_bucket{le="1"} 1`, `_bucket{le="2.5"} 1`, `_bucket{le="+Inf"} 1`}},
		"between bounds":  {1500 * time.Microsecond, []string{`_bucket{le="0.001"} 0`, `_bucket{le="0.0025"} 1`, `_sum 0.0015`}},
		"above all":       {301 * time.Second, []string{`_bucket{le="300"} 0`, `_bucket{le="+Inf"} 1`, `_count 1`, `_sum 301`}},
		"the last bucket": {300 * time.Second, []string{`_bucket{le="120"} 0`, `_bucket{le="300"} 1`}},
	} {
		t.Run(what, func(t *testing.T) {
			m := assemble(options())
			m.Observe(dispatch.Event{Kind: dispatch.Attempted, Outcome: message.Outcome{Code: "2xx"}, Took: tt.took})
			for _, line := range tt.want {
				expect(t, m, name+line)
			}
		})
	}
}

func TestAnswerIsTextWhateverIsAskedFor(t *testing.T) {
	for _, accept := range []string{"", "text/plain", "application/openmetrics-text; version=1.0.0", "application/vnd.google.protobuf"} {
		answer := ask(everything().Handler(), "Accept", accept)
		if got := answer.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
			t.Errorf("Accept %q: %s", accept, got)
		}
	}
}

func ask(h http.Handler, header, value string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set(header, value)
	h.ServeHTTP(answer, r)
	return answer
}

func TestAnswerIsCompressedForThoseWhoTakeIt(t *testing.T) {
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "deflate, GZIP": "gzip", "br": "", "gzip;q=0": "", "identity": "", "x-gzip": "",
	} {
		answer := ask(everything().Handler(), "Accept-Encoding", accept)
		if got := answer.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: %q, want %q", accept, got, want)
		}
		var body io.Reader = answer.Body
		if want == "gzip" {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		text, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(text), "\ncarrier_worker_up{route=\"mail\"} 0\n") || !strings.Contains(string(text), "\ngo_goroutines ") {
			t.Errorf("Accept-Encoding %q: %v, %d bytes", accept, err, len(text))
		}
	}
}

func TestFifthScrapeAtATimeIsTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, done := NewProcess("", ""), make(chan struct{})
		p.WatchLog(func() uint64 { <-done; return 0 })
		h, codes := p.Handler(), make(chan int, 4)
		for range 4 {
			go func() { codes <- ask(h, "Accept", "").Code }()
		}
		synctest.Wait()
		if code := ask(h, "Accept", "").Code; code != http.StatusServiceUnavailable {
			t.Errorf("the fifth got %d", code)
		}
		close(done)
		for range 4 {
			if code := <-codes; code != http.StatusOK {
				t.Errorf("one of four got %d", code)
			}
		}
		if code := ask(h, "Accept", "").Code; code != http.StatusOK {
			t.Errorf("the next one got %d", code)
		}
	})
}
