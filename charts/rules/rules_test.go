// Package rules holds the tests of the alerts and of the dashboard in charts/carrier/files:
// Prometheus's own engine evaluates them over made-up hours of a carrier's life.
package rules

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

const (
	alertsFile = "../carrier/files/alerts.yaml"
	// every is the time between two scrapes, and between two evaluations.
	every = time.Minute
	// length is how many scrapes of each series there are.
	length = 240
)

// A life is what a carrier's series are, minute by minute, in the notation of promtool's
// unit tests.
type life map[string]string

// healthy is the life of a carrier on SQS that delivers ten messages a second.
func healthy(t *testing.T) life {
	t.Helper()
	text, err := os.ReadFile("testdata/healthy.txt")
	if err != nil {
		t.Fatal(err)
	}
	l := life{}
	for line := range strings.Lines(string(text)) {
		series, values, _ := strings.Cut(strings.TrimSpace(line), " ")
		l[series] = values
	}
	return l
}

// with returns the life with other values for some of its series. A name that is not
// among them is a mistake of the test.
func (l life) with(t *testing.T, changes life) life {
	t.Helper()
	changed := maps.Clone(l)
	for series, values := range changes {
		if _, known := l[series]; !known {
			t.Fatalf("carrier has no series %s", series)
		}
		changed[series] = values
	}
	return changed
}

// onIngest is the same life with carrier's own queue as the source.
func (l life) onIngest() life {
	changed := life{}
	for series, values := range l {
		changed[strings.Replace(series, `receiver="sqs"`, `receiver="ingest"`, 1)] = values
	}
	return changed
}

// forwards is no series: it marks a life whose messages go to a queue.
const forwards = "forwards"

// forwarding is the same life where messages go to a queue.
func (l life) forwarding() life {
	changed := maps.Clone(l)
	changed[forwards] = ""
	return changed
}

// exposed is the life without the series that it does not have: those of a queue of its own, where
// that is not the source, those of a queue that messages go to, where they go to none, and those of a
// subscription, where there are no routes.
func (l life) exposed() life {
	ingest := slices.ContainsFunc(slices.Collect(maps.Keys(l)), func(series string) bool { return strings.Contains(series, `receiver="ingest"`) })
	_, forwarding := l[forwards]
	shown := maps.Clone(l)
	maps.DeleteFunc(shown, func(series, _ string) bool {
		embedded := strings.HasPrefix(series, "carrier_ingest_") || strings.HasPrefix(series, "carrier_dead_letters")
		forward := strings.HasPrefix(series, "carrier_forward_") || strings.HasPrefix(series, "carrier_ingest_store")
		subscription := strings.HasPrefix(series, "carrier_subscription_")
		return embedded && !ingest || forward && !forwarding || subscription && (!ingest || !strings.Contains(series, "route="))
	})
	return shown
}

// processWide reports whether a carrier with routes exposes the metric once, without the label route.
func processWide(metric string) bool {
	text, err := os.ReadFile("testdata/process.txt")
	if err != nil {
		panic(err)
	}
	return slices.Contains(strings.Fields(string(text)), metric)
}

// onRoute is the same life as that of a route beside others.
func (l life) onRoute(route string) life {
	changed := life{}
	for series, values := range l {
		if series == forwards {
			changed[series] = values
			continue
		}
		if name, own, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{"); !processWide(name) {
			series = fmt.Sprintf("%s{route=%q,%s}", name, route, own)
		}
		changed[series] = values
	}
	return changed
}

// load writes the lives of several replicas as Prometheus would have scraped them.
func load(replicas []life) string {
	var b strings.Builder
	fmt.Fprintf(&b, "load %s\n", every)
	for i, l := range replicas {
		shown := l.exposed()
		delete(shown, forwards)
		for _, series := range slices.Sorted(maps.Keys(shown)) {
			name, own, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
			fmt.Fprintf(&b, "  %s{job=\"shop/orders\",namespace=\"shop\",instance=\"10.0.0.%d:9010\",%s} %s\n", name, i+1, own, l[series])
		}
	}
	return b.String()
}

// firing evaluates the alerts minute by minute, and returns which of them fire at each
// of the minutes.
func firing(t *testing.T, replicas []life, minutes []int) map[int][]string {
	t.Helper()
	series, err := promqltest.NewLazyLoader(load(replicas), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = series.Close() }()
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:  rules.EngineQueryFunc(series.QueryEngine(), series.Storage()),
		Appendable: series.Storage(),
		Context:    t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Logger:     promslog.NewNopLogger(),
		Parser:     parser.NewParser(parser.Options{}),
	})
	groups, errs := manager.LoadGroups(every, labels.EmptyLabels(), "", nil, false, alertsFile)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	found := map[int][]string{}
	for minute := range slices.Max(minutes) + 1 {
		at := time.Unix(0, 0).UTC().Add(time.Duration(minute) * every)
		series.WithSamplesTill(at, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				g.Eval(t.Context(), at)
			}
		})
		if slices.Contains(minutes, minute) {
			found[minute] = active(t, groups)
		}
	}
	return found
}

// active names the alerts that fire, each once, with their route where they have one, and fails if
// one cannot be evaluated.
func active(t *testing.T, groups map[string]*rules.Group) []string {
	t.Helper()
	names := []string{}
	for _, g := range groups {
		for _, r := range g.Rules() {
			if err := r.LastError(); err != nil {
				t.Fatalf("%s: %v", r.Name(), err)
			}
		}
		for _, alert := range g.AlertingRules() {
			for _, a := range alert.ActiveAlerts() {
				complete(t, alert.Name(), a)
				name := strings.TrimSpace(alert.Name() + " " + a.Labels.Get("route"))
				if a.State == rules.StateFiring && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// complete fails unless an alert says how bad it is, what it means and where to read on,
// without a template that came to nothing.
func complete(t *testing.T, name string, a *rules.Alert) {
	t.Helper()
	if severity := a.Labels.Get("severity"); severity != "critical" && severity != "warning" {
		t.Errorf("%s: severity %q", name, severity)
	}
	for _, annotation := range []string{"summary", "description", "runbook_url"} {
		text := a.Annotations.Get(annotation)
		if text == "" || strings.Contains(text, "<no value>") || strings.Contains(text, "<error") || strings.Contains(text, "  ") {
			t.Errorf("%s: %s %q", name, annotation, text)
		}
	}
	if route := a.Labels.Get("route"); route != "" && !strings.Contains(a.Annotations.Get("summary"), "(route "+route+")") {
		t.Errorf("%s: summary %q does not name the route %s", name, a.Annotations.Get("summary"), route)
	}
	if want := "docs/operations.md#" + strings.ToLower(name); a.Annotations.Get("runbook_url") != want {
		t.Errorf("%s: runbook_url is not %s", name, want)
	}
}
