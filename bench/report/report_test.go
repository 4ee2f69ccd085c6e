package report

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"carrier/bench/figures"
)

func TestVerdictFollowsFromTheFigures(t *testing.T) {
	most := Aim{Most: true, Bounds: []float64{3.3, 2.5}}
	least := Aim{Bounds: []float64{0.4, 0.55}}
	none := Aim{Most: true, Bounds: []float64{0}, Every: true}
	for name, c := range map[string]struct {
		a      Aim
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

func TestAFigureIsHeldAgainstAnotherScenario(t *testing.T) {
	few, many := Finding{Scenario: Scenario{Name: "few"}}, Finding{Scenario: Scenario{Name: "many"}}
	for _, cpu := range []float64{10, 20, 90} {
		few.Results.Add(Carrier, figures.Sample{"cpu": cpu})
	}
	many.Results.Add(Carrier, figures.Sample{"cpu": 25})
	many.Results.Add(Carrier, figures.Sample{"cpu": 30})
	a := Aim{Scenario: "many", Figure: "cpu", Beside: "few"}
	if got := a.values([]Finding{few, many}); !slices.Equal(got, []float64{1.25, 1.5}) {
		t.Errorf("got %v, want 1.25 and 1.5", got)
	}
	if got := a.values([]Finding{many}); got != nil {
		t.Errorf("got %v without the other scenario", got)
	}
}

func TestTableAndPlotsAreWritten(t *testing.T) {
	f := Finding{Scenario: Scenario{Name: "throughput-10", Says: "a test", Columns: []Column{
		{"rate", "messages/s", 0}, {"cpu", "CPU", 1}, {"cpu/nethttp", "CPU / net/http's", 2},
	}}}
	f.Results.Add(Carrier, figures.Sample{"rate": 1000, "cpu": 20, "cpu/nethttp": 2})
	f.Results.Add(Carrier, figures.Sample{"rate": 3000, "cpu": 30, "cpu/nethttp": 3.2})
	f.Results.Add(NetHTTP, figures.Sample{"rate": 4000, "cpu": 10})
	path := filepath.Join(t.TempDir(), "deep", "report.md")
	if err := Write(path, Look(), []Finding{f}); err != nil {
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
	if err := Write(path, Look(), nil); err == nil {
		t.Error("a report of nothing was written")
	}
}
