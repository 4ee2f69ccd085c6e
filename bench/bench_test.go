package main

import (
	"context"
	"regexp"
	"runtime"
	"testing"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

func TestEveryAimIsOfAFigureThatAScenarioPrints(t *testing.T) {
	for _, a := range report.Aims() {
		found := false
		for _, s := range scenarios() {
			for _, c := range s.columns {
				found = found || s.name == a.Scenario && c.Figure == a.Figure
			}
		}
		if !found {
			t.Errorf("no scenario %s prints %s", a.Scenario, a.Figure)
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

func TestRunChoosesItsScenarios(t *testing.T) {
	all, named := regexp.MustCompile(""), regexp.MustCompile("^a")
	for name, c := range map[string]struct {
		o    options
		s    scenario
		want bool
	}{
		"full run":                    {options{only: all}, scenario{name: "a"}, true},
		"full run, on request":        {options{only: all}, scenario{name: "a", asked: true}, false},
		"smaller run":                 {options{only: all, quick: true}, scenario{name: "a", quick: true}, true},
		"smaller run, of the full":    {options{only: all, quick: true}, scenario{name: "a"}, false},
		"named":                       {options{only: named}, scenario{name: "a"}, true},
		"named, on request":           {options{only: named}, scenario{name: "a", asked: true}, true},
		"another is named":            {options{only: named}, scenario{name: "b"}, false},
		"named, not of a smaller run": {options{only: named, quick: true}, scenario{name: "a"}, false},
	} {
		if got := c.o.wants(c.s); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// One tiny trial of each kind, with real processes, end to end.
func TestBenchRuns(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("needs Linux, and some seconds")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	h, err := harness.Open(ctx, harness.Options{Quick: true, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	b := &bench{h}
	tiny := trial{inFlight: 4, ceilings: []string{report.NetHTTP, report.BareTCP}, reps: 1, during: 200 * time.Millisecond, fill: 50_000}
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
	err = h.WithTLS(func() error {
		over, err := b.SQS(nil, nil, 4)
		if err == nil {
			err = harness.Fill(ctx, over.Queue, 200)
		}
		if err == nil {
			err = harness.Drained(ctx, over.Queue, 200)
		}
		return err
	})
	if err != nil {
		t.Errorf("over TLS: %v", err)
	}
	b.StopAll()
	s, err := b.measureFaults(ctx, 200)
	if err != nil {
		t.Fatal(err)
	}
	if s["lost"] != 0 || s["duplicates"] != 0 || s["at_once"] != 0 {
		t.Errorf("the books: %v", s)
	}
	over, err := b.PubSub(nil, []string{"-latency", "1ms"}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Fill(ctx, over.Queue, 200); err != nil {
		t.Fatal(err)
	}
	if err := harness.Drained(ctx, over.Queue, 200); err != nil {
		t.Errorf("Pub/Sub: %v", err)
	}
	b.StopAll()
	if s, err = b.measureIngest(ctx, 4, true, 200*time.Millisecond); err != nil || s["acks"] <= 0 || s["rate"] <= 0 {
		t.Errorf("ingest: %v, %v", s, err)
	}
	if s, err = b.MeasureDisk(ctx, "bbolt", 4, true, 100*time.Millisecond); err != nil || s["acks"] <= 0 {
		t.Errorf("bbolt: %v, %v", s, err)
	}
	b.SlowDisk(20 * time.Millisecond) // twice for each commit
	if s, err = b.MeasureDisk(ctx, "bbolt", 4, true, time.Second); err != nil || s["ack_p50"] < 20 {
		t.Errorf("bbolt on a slow disk: %v, %v", s, err)
	}
	if s, err = b.measureIngest(ctx, 4, false, time.Second); err != nil || s["ack_p50"] < 20 {
		t.Errorf("ingest on a slow disk: %v, %v", s, err)
	}
	if n := b.Running(); n != 0 {
		t.Errorf("%d programs are left running", n)
	}
}
