package rules

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
)

const dashboardFile = "../carrier/files/dashboard.json"

// A board is as much of Grafana's dashboard model as ours uses.
type board struct {
	UID                  string          `json:"uid"`
	Title                string          `json:"title"`
	Description          string          `json:"description"`
	Tags                 []string        `json:"tags"`
	Editable             bool            `json:"editable"`
	GraphTooltip         int             `json:"graphTooltip"`
	SchemaVersion        int             `json:"schemaVersion"`
	Version              int             `json:"version"`
	Refresh              string          `json:"refresh"`
	Time                 json.RawMessage `json:"time"`
	Timepicker           json.RawMessage `json:"timepicker"`
	Timezone             string          `json:"timezone"`
	WeekStart            string          `json:"weekStart"`
	FiscalYearStartMonth int             `json:"fiscalYearStartMonth"`
	Links                []string        `json:"links"`
	Annotations          json.RawMessage `json:"annotations"`
	Templating           struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

// A variable is one of the choices at the top.
type variable struct {
	Name        string          `json:"name"`
	Label       string          `json:"label"`
	Type        string          `json:"type"`
	Datasource  source          `json:"datasource"`
	Query       json.RawMessage `json:"query"`
	Refresh     int             `json:"refresh"`
	Regex       string          `json:"regex"`
	Sort        int             `json:"sort"`
	Multi       bool            `json:"multi"`
	IncludeAll  bool            `json:"includeAll"`
	AllValue    string          `json:"allValue"`
	Hide        int             `json:"hide"`
	SkipURLSync bool            `json:"skipUrlSync"`
	Current     json.RawMessage `json:"current"`
	Options     []string        `json:"options"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int             `json:"id"`
	Type        string          `json:"type"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Collapsed   bool            `json:"collapsed"`
	Panels      []panel         `json:"panels"`
	Datasource  source          `json:"datasource"`
	GridPos     area            `json:"gridPos"`
	Targets     []target        `json:"targets"`
	FieldConfig json.RawMessage `json:"fieldConfig"`
	Options     json.RawMessage `json:"options"`
}

type target struct {
	Datasource   source `json:"datasource"`
	EditorMode   string `json:"editorMode"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
	Range        bool   `json:"range"`
	Instant      bool   `json:"instant"`
	RefID        string `json:"refId"`
}

// An area is where a panel lies on a grid of 24 columns.
type area struct{ H, W, X, Y int }

func (a area) overlaps(b area) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

func readBoard(t *testing.T) board {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var b board
	if err := decoder.Decode(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("something follows the dashboard: %v", err)
	}
	return b
}

func TestDashboardIsLaidOutAndComplete(t *testing.T) {
	b := readBoard(t)
	if b.UID != "carrier" || b.Title != "carrier" || b.SchemaVersion == 0 {
		t.Errorf("uid %q, title %q, schema %d", b.UID, b.Title, b.SchemaVersion)
	}
	for i, p := range b.Panels {
		if p.Title == "" || p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d (%s) lies at %+v", p.ID, p.Title, p.GridPos)
		}
		for _, other := range b.Panels[:i] {
			if p.ID == other.ID || p.GridPos.overlaps(other.GridPos) {
				t.Errorf("panels %d (%s) and %d (%s) have the same id or overlap", p.ID, p.Title, other.ID, other.Title)
			}
		}
		if (p.Type == "row") != (len(p.Targets) == 0) || !slices.Contains([]string{"row", "stat", "timeseries"}, p.Type) {
			t.Errorf("panel %d (%s) is a %s with %d expressions", p.ID, p.Title, p.Type, len(p.Targets))
		}
		for j, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" || p.Datasource.UID != "${datasource}" || q.RefID != string(rune('A'+j)) {
				t.Errorf("panel %d (%s): data source %q, expression %q", p.ID, p.Title, q.Datasource.UID, q.RefID)
			}
		}
	}
}

// shown replaces what Grafana would fill in: the route, where one is chosen, and the namespace.
func shown(expr, route string) string {
	return strings.NewReplacer(
		`"$namespace"`, `"shop"`, `"$job"`, `".*"`, `"$route"`, strconv.Quote(route), "$__rate_interval", "5m",
	).Replace(expr)
}

// TestEveryPanelShowsSomething evaluates each expression over a carrier that works, and over
// one on a queue of its own that has troubles.
func TestEveryPanelShowsSomething(t *testing.T) {
	sqs, troubled := watched(t)
	for name, c := range map[string]struct {
		replicas []life
		route    string   // what is chosen
		absent   []string // labels that no series has
	}{
		"without routes":           {replicas: []life{sqs, troubled}, route: ".*", absent: []string{"route"}},
		"all of two routes":        {replicas: []life{besideAnother(sqs, sqs), besideAnother(troubled, sqs)}, route: ".*"},
		"one of two routes chosen": {replicas: []life{besideAnother(sqs, sqs), besideAnother(troubled, sqs)}, route: "mail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			evaluate := instant(t, c.replicas)
			for _, p := range readBoard(t).Panels {
				for _, q := range p.Targets {
					vector := evaluate(shown(q.Expr, c.route))
					if len(vector) == 0 || slices.ContainsFunc(vector, func(s promql.Sample) bool { return s.F != s.F }) {
						t.Errorf("%s: nothing, or no number, from %s", p.Title, q.Expr)
					}
					for _, label := range labelsOf(q.LegendFormat) {
						if len(vector) > 0 && vector[0].Metric.Get(label) == "" && !slices.Contains(c.absent, label) {
							t.Errorf("%s: %q has no label for %s", p.Title, q.Expr, label)
						}
					}
					for _, s := range vector {
						if route := s.Metric.Get("route"); route != "" && c.route != ".*" && route != c.route {
							t.Errorf("%s: %q shows the route %s, which was not chosen", p.Title, q.Expr, route)
						}
					}
				}
			}
		})
	}
}

// TestEveryPanelFollowsTheChosenRoute looks at each selector: what belongs to a route is narrowed to
// the chosen one, what belongs to the process is not, or it would show nothing.
func TestEveryPanelFollowsTheChosenRoute(t *testing.T) {
	for _, p := range readBoard(t).Panels {
		for _, q := range p.Targets {
			for _, selector := range regexp.MustCompile(`(\w+)\{([^}]*)\}`).FindAllStringSubmatch(q.Expr, -1) {
				if chosen := strings.Contains(selector[2], `route=~"$route"`); chosen == processWide(selector[1]) {
					t.Errorf("%s: %s is narrowed to a route: %v", p.Title, selector[1], chosen)
				}
			}
		}
	}
}

// watched are a carrier that works, and one on a queue of its own that has troubles.
func watched(t *testing.T) (sqs, troubled life) {
	t.Helper()
	sqs = healthy(t)
	return sqs, sqs.with(t, life{
		"carrier_ingest_queue_messages_limit":                                "1000x240",
		"carrier_ingest_queue_bytes_limit":                                   "1000x240",
		"carrier_draining":                                                   "1x240",
		`carrier_ingest_requests_total{code="200"}`:                          "0+5x240",
		`carrier_ingest_store_failures_total{cause="unknown"}`:               "0+1x240",
		`carrier_source_errors_total{class="throttled",operation="receive"}`: "0+1x240",
	}).onIngest().forwarding()
}

// instant returns a function that evaluates an expression after an hour of the replicas' lives.
func instant(t *testing.T, replicas []life) func(expr string) promql.Vector {
	t.Helper()
	series, err := promqltest.NewLazyLoader(load(replicas), promqltest.LazyLoaderOpts{EnableAtModifier: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = series.Close() })
	at := time.Unix(0, 0).Add(time.Hour)
	series.WithSamplesTill(at, func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	})
	return func(expr string) promql.Vector {
		query, err := series.QueryEngine().NewInstantQuery(t.Context(), series.Storage(), nil, expr, at)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		defer query.Close()
		vector, err := query.Exec(t.Context()).Vector()
		if err != nil {
			t.Errorf("%s: %v", expr, err)
		}
		return slices.Clone(vector)
	}
}

func labelsOf(legend string) []string {
	var names []string
	for _, match := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(legend, -1) {
		names = append(names, match[1])
	}
	return names
}
