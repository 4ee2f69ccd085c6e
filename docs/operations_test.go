package docs

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"carrier/config"
	"carrier/internal/observe/metrics"
	"carrier/internal/observe/trail"
	"carrier/internal/tracing"
	"carrier/receiver"
	"carrier/receiver/builtin"
)

// Where metrics are named, beside the pages.
const (
	alertsFile    = "../charts/carrier/files/alerts.yaml"
	dashboardFile = "../charts/carrier/files/dashboard.json"
	seriesFile    = "../charts/rules/testdata/healthy.txt"
	processFile   = "../charts/rules/testdata/process.txt"
)

// exposed returns what a carrier exposes with each of its receivers, a line for each series; on a
// route of that name, where it is not empty.
func exposed(t *testing.T, route string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range builtin.Names() {
		process := metrics.NewProcess("", "")
		m := process.Route(metrics.Options{
			Route: route, Receiver: name, Operations: builtin.Operations(name), Duplicates: builtin.Duplicates(name),
		})
		m.WatchInFlight(func() int { return 0 })
		m.WatchParked(func() int { return 0 })
		m.WatchReceiving(func() bool { return true })
		m.SetBreakerOpen("http://localhost:9000/", false)
		process.WatchLog(func() uint64 { return 0 })
		process.WatchAudit(func() uint64 { return 0 })
		process.WatchSpans(func() tracing.Counts { return tracing.Counts{} })
		m.WatchForward()
		m.WatchConsumers(func() (int, int) { return 0, 0 })
		process.WatchWorkerAPI(func() (int, int) { return 0, 0 })
		if name == config.Ingest {
			process.WatchStore(builtin.Kept())
			m.WatchIngest(func() receiver.EmbeddedQueue { return receiver.EmbeddedQueue{} })
			process.WatchProducers(func() receiver.EmbeddedQueue { return receiver.EmbeddedQueue{} })
		}
		answer := httptest.NewRecorder()
		process.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		all.WriteString(answer.Body.String())
	}
	return all.String()
}

// families returns the names of carrier's metrics, each with its type.
func families(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (carrier_\w+) (\w+)$`).FindAllStringSubmatch(exposed(t, "mail"), -1) {
		found[match[1]] = match[2]
	}
	if len(found) < 15 {
		t.Fatalf("carrier exposes %d metrics only", len(found))
	}
	return found
}

func TestEveryMetricIsExplained(t *testing.T) {
	page := read(t, "operations.md")
	for _, name := range slices.Sorted(maps.Keys(families(t))) {
		if !regexp.MustCompile("(?m)^\\| `" + name + "[`{]").MatchString(page) {
			t.Errorf("operations.md has no row for %s", name)
		}
	}
}

// TestMetricsThatAreNamedExist looks at the pages, the alerts, the dashboard, and the
// series that these are tested with.
func TestMetricsThatAreNamedExist(t *testing.T) {
	known := families(t)
	places := pages(t)
	for _, path := range []string{alertsFile, dashboardFile, seriesFile} {
		places[filepath.Base(path)] = read(t, path)
	}
	for place, text := range places {
		for _, name := range regexp.MustCompile(`\bcarrier_[a-z_]*[a-z]\b`).FindAllString(text, -1) {
			of := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			begins := func(metric string) bool { return strings.HasPrefix(metric, name+"_") }
			switch {
			case known[name] != "", known[of] == "histogram":
			case strings.HasSuffix(place, ".md") && slices.ContainsFunc(slices.Collect(maps.Keys(known)), begins): // of several
			default:
				t.Errorf("%s: carrier has no metric %s", place, name)
			}
		}
	}
}

// TestSeriesOfTheRuleTestsExist keeps the alerts from being tested with labels, or values
// of labels, that carrier does not have.
func TestSeriesOfTheRuleTestsExist(t *testing.T) {
	all := exposed(t, "") + regexp.MustCompile(`\{route="mail"\}|,route="mail"`).ReplaceAllString(exposed(t, "mail"), "")
	for line := range strings.Lines(read(t, seriesFile)) {
		series, _, _ := strings.Cut(line, " ")
		if strings.HasPrefix(series, "carrier_build_info") || strings.HasPrefix(series, "process_") {
			continue // depends on the build, or on the platform
		}
		if !strings.Contains(all, "\n"+series+" ") {
			t.Errorf("carrier has no series %s", series)
		}
	}
}

// TestWhatIsOfTheProcessHasNoRoute keeps alerts and dashboard from being tested with a label route
// where carrier has none, or without it.
func TestWhatIsOfTheProcessHasNoRoute(t *testing.T) {
	process := strings.Fields(read(t, processFile))
	for _, match := range regexp.MustCompile(`(?m)^(carrier_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? `).FindAllStringSubmatch(exposed(t, "mail"), -1) {
		if routed := strings.Contains(match[2], `route="mail"`); routed == slices.Contains(process, match[1]) {
			t.Errorf("%s{%s}: is it in %s?", match[1], match[2], processFile)
		}
	}
}

func TestEveryAlertHasItsRunbook(t *testing.T) {
	rules, page := read(t, alertsFile), read(t, "operations.md")
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	links := regexp.MustCompile(`(?m)^ +runbook_url: (\S+)$`).FindAllStringSubmatch(rules, -1)
	if len(alerts) == 0 || len(alerts) != len(links) {
		t.Fatalf("%d alerts, %d runbooks", len(alerts), len(links))
	}
	for i, alert := range alerts {
		if want := "docs/operations.md#" + strings.ToLower(alert[1]); links[i][1] != want {
			t.Errorf("%s leads to %s", alert[1], links[i][1])
		}
		follow(t, "README.md", links[i][1])
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (Carrier\w+)$`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(rules, "- alert: "+heading[1]+"\n") {
			t.Errorf("there is no alert %s", heading[1])
		}
	}
}

func TestPoliciesAreJSON(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```json\n(.*?)^```$").FindAllStringSubmatch(read(t, "operations.md"), -1)
	if len(blocks) == 0 {
		t.Fatal("operations.md has no policy")
	}
	for _, block := range blocks {
		var v any
		if err := json.Unmarshal([]byte(block[1]), &v); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
	}
}

// rows returns the cells of the table of operations.md whose first heading is first, without its head.
func rows(t *testing.T, first string) (all [][]string) {
	t.Helper()
	_, table, found := strings.Cut(read(t, "operations.md"), "\n| "+first+" |")
	if !found {
		t.Fatalf("operations.md has no table of %s", first)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for i, row := range strings.Split(table, "\n") {
		if i >= 2 {
			cells := strings.Split(strings.Trim(row, "|"), "|")
			for j := range cells {
				cells[j] = strings.TrimSpace(cells[j])
			}
			all = append(all, cells)
		}
	}
	return all
}

var quoted = regexp.MustCompile("`([^`]+)`")

// saidInLogs is every string of carrier's own code, and the lines that are put together.
func saidInLogs(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, outcome := range trail.Outcomes() {
		all.WriteString("message " + outcome + "\n")
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"node_modules", "bench", "test", "testkit", "charts", "examples"}, entry.Name()):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		for _, text := range regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"`).FindAllString(read(t, path), -1) {
			all.WriteString(text + "\n")
		}
		return nil
	}))
	return all.String()
}

// TestSymptomsHaveTheirRealNames holds the first table to the metrics and the log lines that carrier has.
func TestSymptomsHaveTheirRealNames(t *testing.T) {
	known, said := families(t), saidInLogs(t)
	table := rows(t, "symptom")
	if len(table) < 10 {
		t.Fatalf("%d symptoms", len(table))
	}
	for _, row := range table {
		if len(row) != 4 {
			t.Fatalf("not four cells: %q", row)
		}
		for _, name := range quoted.FindAllStringSubmatch(row[1], -1) {
			name, _, _ := strings.Cut(name[1], "{")
			if strings.HasPrefix(name, "carrier_") && known[name] == "" {
				t.Errorf("%s: there is no metric %s", row[0], name)
			}
		}
		for _, line := range quoted.FindAllStringSubmatch(row[2], -1) {
			if !strings.Contains(said, line[1]) {
				t.Errorf("%s: carrier logs no %q", row[0], line[1])
			}
		}
		if row[1]+row[2] == "" || row[3] == "" {
			t.Errorf("%s: nothing to see, or nothing to do", row[0])
		}
	}
}

// TestCausesOfADuplicateAreExplained holds the table of Why twice? to the causes that are counted, and to
// the log.
func TestCausesOfADuplicateAreExplained(t *testing.T) {
	said := saidInLogs(t) + "attempt lost failed cause"
	explained := map[string]bool{}
	for _, row := range rows(t, "cause") {
		if cause := quoted.FindStringSubmatch(row[0]); cause != nil {
			explained[cause[1]] = true
		}
		for _, line := range quoted.FindAllStringSubmatch(row[2], -1) {
			if !strings.Contains(said, line[1]) {
				t.Errorf("%s: carrier says no %q", row[0], line[1])
			}
		}
	}
	counted := map[string]bool{}
	for _, match := range regexp.MustCompile(`carrier_duplicates_total\{cause="(\w+)"`).FindAllStringSubmatch(exposed(t, ""), -1) {
		counted[match[1]] = true
	}
	if !maps.Equal(explained, counted) {
		t.Errorf("explained are %v, counted %v", explained, counted)
	}
}
