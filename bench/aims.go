package main

import (
	"fmt"
	"strings"

	"carrier/bench/figures"
)

// An aim is a bound on one figure. Whether it is reached is reckoned, never written.
type aim struct {
	scenario, subject, figure string
	says                      string
	most                      bool      // the bounds are upper ones
	bounds                    []float64 // the first aim, and what comes after it
	digits                    int
	// every is set where all repetitions must keep the bound, as for lost messages;
	// else the median must.
	every bool
}

// aims lists what carrier is to reach.
func aims() []aim {
	list := []aim{
		{scenario: "offered", figure: "wait", says: "p99 enqueue to delivery / SQS call time", most: true, bounds: []float64{1.5}, digits: 2},
		{scenario: "offered", figure: "calls", says: "SQS calls per message", most: true, bounds: []float64{0.6}, digits: 2},
		{scenario: "pubsub", figure: "wait", says: "p99 publish to delivery / Pub/Sub call time", most: true, bounds: []float64{1.5}, digits: 2},
		{scenario: "pubsub", figure: "calls", says: "Pub/Sub calls per message", most: true, bounds: []float64{0.7}, digits: 2},
		{scenario: "pubsub-slow", figure: "beyond", says: "leased beyond the slots", most: true, bounds: []float64{0}},
		{scenario: "faults", figure: "lost", says: "messages lost", most: true, bounds: []float64{0}, every: true},
		{scenario: "faults", figure: "duplicates", says: "messages accepted twice; these faults force none", most: true, bounds: []float64{0}, every: true},
		{scenario: "sigterm", figure: "cut_off", says: "POSTs cut off", most: true, bounds: []float64{0}, every: true},
		{scenario: "sigterm", figure: "limbo", says: "messages in limbo", most: true, bounds: []float64{0}, every: true},
		{scenario: "idle", figure: "anonymous", says: "anonymous memory, MiB", most: true, bounds: []float64{4}, digits: 2},
		{scenario: "idle", figure: "cpu_minute", says: "CPU, ms a minute", most: true, bounds: []float64{5}, digits: 2},
		{scenario: "throughput-40", figure: "peak", says: "peak resident memory, MiB", most: true, bounds: []float64{20}, digits: 1},
		{scenario: "large", figure: "per_byte", says: "peak resident memory / bytes in hand", most: true, bounds: []float64{1.5}, digits: 2},
		{scenario: "ingest-64", subject: taking, figure: "acks/bbolt", says: "storing: acknowledged / bbolt alone", bounds: []float64{0.8}, digits: 2},
		{scenario: "ingest-64", subject: delivering, figure: "acks/bbolt", says: "storing and delivering: acknowledged / bbolt alone that removes too", bounds: []float64{0.8}, digits: 2},
		{scenario: "ingest-64-slow-disk", subject: taking, figure: "acks/bbolt", says: "storing, limited by fdatasync: acknowledged / bbolt alone", bounds: []float64{0.8}, digits: 2},
		{scenario: "ingest-64-slow-disk", subject: delivering, figure: "acks/bbolt", says: "storing and delivering, limited by fdatasync: acknowledged / bbolt alone that removes too", bounds: []float64{0.8}, digits: 2},
		{scenario: "backlog", subject: startedOnIt, figure: "full", says: "enqueue rate with a million stored / rate when empty", bounds: []float64{0.8}, digits: 2},
		{scenario: "backlog", subject: startedOnIt, figure: "accepts", says: "start on a million messages, s", most: true, bounds: []float64{5}, digits: 2},
	}
	for _, name := range []string{"slow-10", "slow-40"} {
		list = append(list,
			aim{scenario: name, figure: "ideal", says: "rate / (in hand / 5 ms)", bounds: []float64{0.95}, digits: 3},
			aim{scenario: name, figure: "rate/nethttp", says: "the same, of what net/http reaches", bounds: []float64{0.95}, digits: 3})
	}
	list = append(list, aim{scenario: "bimodal", figure: "ideal", says: "share of the ideal rate", bounds: []float64{0.9}, digits: 3})
	var first []aim
	for _, name := range []string{"throughput-10", "throughput-40"} {
		first = append(first,
			aim{scenario: name, figure: "cpu/nethttp", says: "CPU per message / net/http's per POST", most: true, bounds: []float64{3.3, 2.5}, digits: 2},
			aim{scenario: name, figure: "rate/nethttp", says: "messages per second / net/http's POSTs", bounds: []float64{0.40, 0.55}, digits: 2})
	}
	return append(first, list...)
}

// values returns what was measured of the aim's figure.
func (a aim) values(done []finding) []float64 {
	subject := a.subject
	if subject == "" {
		subject = carrier
	}
	for _, f := range done {
		if f.name == a.scenario {
			return f.results.Values(subject, a.figure)
		}
	}
	return nil
}

// verdict says which of the bounds are kept.
func (a aim) verdict(s figures.Summary) string {
	if s.N == 0 {
		return "not measured"
	}
	kept := 0
	for _, bound := range a.bounds {
		if a.keeps(s, bound) {
			kept++
		}
	}
	switch {
	case kept == 0:
		return "NOT reached"
	case kept < len(a.bounds):
		return "first reached"
	}
	return "reached"
}

func (a aim) keeps(s figures.Summary, bound float64) bool {
	v := s.Median
	if a.every && a.most {
		v = s.Max
	} else if a.every {
		v = s.Min
	}
	if a.most {
		return v <= bound
	}
	return v >= bound
}

func (a aim) bound() string {
	sign := ">="
	if a.most {
		sign = "<="
	}
	parts := make([]string, len(a.bounds))
	for i, bound := range a.bounds {
		parts[i] = fmt.Sprintf("%.*f", a.digits, bound)
	}
	return sign + " " + strings.Join(parts, ", then ")
}

// aimTable holds the findings against the aims.
func aimTable(done []finding) string {
	rows := [][]string{{"scenario", "figure", "aim", "measured: median (min to max)", "aim is"}}
	for _, a := range aims() {
		s := figures.Summarize(a.values(done))
		if s.N == 0 {
			continue
		}
		rows = append(rows, []string{a.scenario, a.says, a.bound(), format(s, a.digits), a.verdict(s)})
	}
	var b strings.Builder
	table(&b, rows)
	return b.String()
}
