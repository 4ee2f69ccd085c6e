package metrics

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Types of metrics, as they are written.
const (
	counterType   = "counter"
	gaugeType     = "gauge"
	histogramType = "histogram"
)

// A pair is the name of a label and its value.
type pair struct{ name, value string }

// An exposition is what one scrape reads, in Prometheus' text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). All series of a name stand
// together, whoever adds them. It is not safe for concurrent use.
type exposition struct{ families map[string]*family }

// A family is all series of one name.
type family struct {
	help, kind string
	series     []byte
}

func newExposition() *exposition { return &exposition{families: map[string]*family{}} }

func (e *exposition) counter(name, help string, value float64, labels ...pair) {
	e.family(name, help, counterType).sample(name, value, byName(labels))
}

func (e *exposition) gauge(name, help string, value float64, labels ...pair) {
	e.family(name, help, gaugeType).sample(name, value, byName(labels))
}

// family is where the series of a name are added. help holds neither a backslash nor a line feed.
func (e *exposition) family(name, help, kind string) *family {
	f := e.families[name]
	if f == nil {
		f = &family{help: help, kind: kind}
		e.families[name] = f
	}
	return f
}

// byName returns labels in the order in which they are written.
func byName(labels []pair) []pair {
	return slices.SortedFunc(slices.Values(labels), func(a, b pair) int { return cmp.Compare(a.name, b.name) })
}

// sample adds one line; name is the family's, or that of a part of a histogram.
func (f *family) sample(name string, value float64, labels []pair) {
	f.series = append(f.series, name...)
	for i, l := range labels {
		f.series = append(f.series, "{,"[min(i, 1)])
		f.series = append(f.series, l.name...)
		f.series = append(f.series, `="`...)
		f.series = append(f.series, escaped(l.value)...)
		f.series = append(f.series, '"')
	}
	if len(labels) > 0 {
		f.series = append(f.series, '}')
	}
	f.series = append(f.series, ' ')
	f.series = append(f.series, number(value)...)
	f.series = append(f.series, '\n')
}

// escaped is the value of a label as it is written.
func escaped(value string) string {
	if !strings.ContainsAny(value, "\\\"\n") {
		return value
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

// write writes the families, by name.
func (e *exposition) write(w io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(e.families)) {
		f := e.families[name]
		if _, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s", name, f.help, name, f.kind, f.series); err != nil {
			return err
		}
	}
	return nil
}
