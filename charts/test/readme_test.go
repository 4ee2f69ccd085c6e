package charts

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"carrier/charts/test/reference"
	"carrier/charts/test/render"
)

// snippets are the YAML blocks of the chart's README.
func snippets(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, match := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(read(t, "README.md"), -1) {
		all = append(all, string(match[1]))
	}
	return all
}

// TestReadmesValuesRender puts each block of values over the least values there are.
func TestReadmesValuesRender(t *testing.T) {
	rendered := 0
	for _, snippet := range snippets(t) {
		given := map[string]any{}
		if strings.Contains(snippet, "{{") || yaml.UnmarshalStrict([]byte(snippet), &given) != nil || given["dependencies"] != nil || given["carrier"] != nil {
			continue
		}
		values := cases(t)["minimal"]
		for name, value := range given {
			values = with(values, name, value)
		}
		manifests, err := render.Helm4(chart, release(values))
		if err != nil {
			t.Errorf("%v\n%s", err, snippet)
			continue
		}
		decoded(t, manifests)
		rendered++
	}
	if rendered < 4 {
		t.Errorf("%d blocks of values only", rendered)
	}
}

// TestReadmesChartRenders makes a chart of the blocks that say how carrier comes into one.
func TestReadmesChartRenders(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "charts", "carrier"), os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	for _, snippet := range snippets(t) {
		switch {
		case strings.HasPrefix(snippet, "# Chart.yaml"):
			write(t, filepath.Join(dir, "Chart.yaml"), "apiVersion: v2\nname: own\nversion: 1.0.0\n"+snippet)
		case strings.HasPrefix(snippet, "# values.yaml\ncarrier:"):
			write(t, filepath.Join(dir, "values.yaml"), snippet)
		case strings.Contains(snippet, "{{"):
			write(t, filepath.Join(dir, "templates", "deployment.yaml"), "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n"+snippet)
		}
	}
	manifests, err := render.Helm4(dir, release(nil))
	if err != nil {
		t.Fatal(err)
	}
	pod := podOf(t, decoded(t, manifests))
	isDrain(t, "carrier's hook", preStop(container(t, pod, "carrier")), 9010)
	isDrain(t, "the worker's hook", preStop(container(t, pod, "worker")), 9010)
	if *pod.Spec.TerminationGracePeriodSeconds != 35 {
		t.Errorf("grace period %d s", *pod.Spec.TerminationGracePeriodSeconds)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestValueWithoutDescriptionIsAnError(t *testing.T) {
	marks := regexp.MustCompile(`<!-- .* -->\n`).FindAll(read(t, "README.md"), -1)
	if len(marks) != 2 {
		t.Fatalf("%d marks", len(marks))
	}
	readme := append(append([]byte{}, marks[0]...), marks[1]...)
	for values, want := range map[string]string{
		"# -- Described.\na: 1\n":                              "| `a` | `1` | Described. |",
		"# Of a group.\na:\n  # -- Long,\n  # too.\n  b: []\n": "Of a group.\n\n| value | default | meaning |\n|---|---|---|\n| `a.b` | `[]` | Long, too. |",
		"a: 1\n":            "",
		"a:\n  b: 1\n":      "",
		"a: {}\n":           "",
		"# Not so.\na: 1\n": "",
	} {
		text, err := reference.Readme(readme, []byte(values))
		if (err != nil) != (want == "") || !strings.Contains(string(text), want) {
			t.Errorf("%q: %v\n%s", values, err, text)
		}
	}
}
