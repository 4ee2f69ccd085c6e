package test

import (
	"bufio"
	"strconv"
	"strings"
)

// metrics reads /metrics: every sample by its name and labels, as they are written.
func (p *program) metrics() map[string]float64 {
	p.t.Helper()
	samples := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(p.ask("/metrics").Body))
	for lines.Scan() {
		name, value, found := cutLast(lines.Text(), " ")
		if !found || strings.HasPrefix(name, "#") {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		must(p.t, err)
		samples[name] = n
	}
	return samples
}

// metric is the sum of the samples of one name that carry every one of labels, each
// written as in name="value".
func (p *program) metric(name string, labels ...string) float64 {
	p.t.Helper()
	sum := 0.0
	for sample, value := range p.metrics() {
		bare, rest, _ := strings.Cut(sample, "{")
		if bare == name && holdsAll(rest, labels) {
			sum += value
		}
	}
	return sum
}

func holdsAll(s string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// settled is how many messages have ended as outcome says.
func (p *program) settled(outcome string) int {
	p.t.Helper()
	return int(p.metric("carrier_messages_settled_total", `outcome="`+outcome+`"`))
}
