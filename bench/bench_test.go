package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"carrier/bench/figures"
)

func TestVerdictFollowsFromTheFigures(t *testing.T) {
	most := aim{most: true, bounds: []float64{3.3, 2.5}}
	least := aim{bounds: []float64{0.4, 0.55}}
	none := aim{most: true, bounds: []float64{0}, every: true}
	for name, c := range map[string]struct {
		a      aim
		values []float64
		want   string
	}{
		"never measured":              {most, nil, "not measured"},
		"above both upper bounds":     {most, []float64{9, 4, 1}, "NOT reached"},
		"at the first upper bound":    {most, []float64{3.3}, "first reached"},
		"below both upper bounds":     {most, []float64{2.5, 2.4, 9}, "reached"},
		"below both lower bounds":     {least, []float64{0.39}, "NOT reached"},
		"between the lower bounds":    {least, []float64{0.54}, "first reached"},
		"above both lower bounds":     {least, []float64{0.55}, "reached"},
		"one repetition lost a thing": {none, []float64{0, 0, 0, 1}, "NOT reached"},
		"no repetition lost a thing":  {none, []float64{0, 0}, "reached"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.a.verdict(figures.Summarize(c.values)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestEveryAimIsOfAFigureThatAScenarioPrints(t *testing.T) {
	for _, a := range aims() {
		found := false
		for _, s := range scenarios() {
			for _, c := range s.columns {
				found = found || s.name == a.scenario && c.figure == a.figure
			}
		}
		if !found {
			t.Errorf("no scenario %s prints %s", a.scenario, a.figure)
		}
	}
}

func TestScenarioNamesAreDifferent(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range scenarios() {
		if seen[s.name] || s.says == "" || len(s.columns) == 0 {
			t.Errorf("scenario %q", s.name)
		}
		seen[s.name] = true
	}
}

func TestCostsAreDividedByWhatWasMoved(t *testing.T) {
	var before, after moment
	before.at = time.Unix(100, 0)
	after.at = time.Unix(102, 0)
	before.worker.Accepted, after.worker.Accepted = 1000, 5000
	before.worker.Busy, after.worker.Busy = time.Second, 16*time.Second
	before.subjectCPU, after.subjectCPU = time.Second, 1400*time.Millisecond
	after.subjectUser, after.subjectSystemTime = 300*time.Millisecond, 100*time.Millisecond
	after.workerCPU = 200 * time.Millisecond
	after.queue.Calls = map[string]int{"ReceiveMessage": 400, "DeleteMessageBatch": 600}
	got := setup{hand: 10}.costs(before, after)
	want := figures.Sample{
		"rate": 2000, "cpu": 100, "worker_cpu": 50, "cores": 0.2, "calls": 0.25, "system": 25, "busy": 0.75,
	}
	for name, v := range want {
		if math.Abs(got[name]-v) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
}

func TestTableAndPlotsAreWritten(t *testing.T) {
	f := finding{scenario: throughput(10, true)}
	f.results.Add(carrier, figures.Sample{"rate": 1000, "cpu": 20, "cpu/nethttp": 2})
	f.results.Add(carrier, figures.Sample{"rate": 3000, "cpu": 30, "cpu/nethttp": 3.2})
	f.results.Add(netHTTP, figures.Sample{"rate": 4000, "cpu": 10})
	path := filepath.Join(t.TempDir(), "deep", "report.md")
	if err := writeReport(path, look(), []finding{f}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2000 (1000 to 3000)", "25.0 (20.0 to 30.0)", "| first reached", "2.60 (2.00 to 3.20)",
		"report-cpu.svg", "### throughput-10", runtime.Version(),
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in\n%s", want, b)
		}
	}
	if svg, err := os.ReadFile(strings.TrimSuffix(path, ".md") + "-cpu.svg"); err != nil || !strings.Contains(string(svg), ">25<") {
		t.Errorf("the plot: %v\n%s", err, svg)
	}
	if err := writeReport(path, look(), nil); err == nil {
		t.Error("a report of nothing was written")
	}
}

// One tiny trial of each kind, with real processes, end to end.
func TestBenchRuns(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("needs Linux, and some seconds")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, err := prepare(ctx, options{quick: true, only: regexp.MustCompile(""), dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.clean()
	tiny := trial{hand: 4, ceilings: []string{netHTTP, bareTCP}, reps: 1, during: 200 * time.Millisecond, fill: 50_000}
	var r figures.Results
	if err := b.compare(ctx, &r, tiny); err != nil {
		t.Fatal(err)
	}
	for _, s := range r {
		for _, name := range []string{"rate", "cpu", "peak", "anonymous"} {
			if v := s.Values(name); len(v) != 1 || v[0] <= 0 {
				t.Errorf("%s: %s is %v", s.Subject, name, v)
			}
		}
	}
	s, err := b.measureFaults(ctx, 200)
	if err != nil {
		t.Fatal(err)
	}
	if s["lost"] != 0 || s["duplicates"] != 0 || s["at_once"] != 0 {
		t.Errorf("the books: %v", s)
	}
	over, err := b.betweenPubSub(nil, []string{"-latency", "1ms"}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(ctx, over.queue, 200); err != nil {
		t.Fatal(err)
	}
	if err := drained(ctx, over.queue, 200); err != nil {
		t.Errorf("Pub/Sub: %v", err)
	}
	b.stopAll()
	if s, err = b.measureIngest(ctx, 4, true, 200*time.Millisecond); err != nil || s["acks"] <= 0 || s["rate"] <= 0 {
		t.Errorf("ingest: %v, %v", s, err)
	}
	if s, err = b.measureDisk(ctx, "bbolt", 4, true, 100*time.Millisecond); err != nil || s["acks"] <= 0 {
		t.Errorf("bbolt: %v, %v", s, err)
	}
	b.slowSync = 20 * time.Millisecond // twice for each commit
	if s, err = b.measureDisk(ctx, "bbolt", 4, true, time.Second); err != nil || s["ack_p50"] < 20 {
		t.Errorf("bbolt on a slow disk: %v, %v", s, err)
	}
	if s, err = b.measureIngest(ctx, 4, false, time.Second); err != nil || s["ack_p50"] < 20 {
		t.Errorf("ingest on a slow disk: %v, %v", s, err)
	}
	if len(b.running) != 0 {
		t.Errorf("%d programs are left running", len(b.running))
	}
}
