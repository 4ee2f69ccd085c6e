package report

import (
	"fmt"
	"strings"

	"carrier/bench/figures"
)

// An Aim is a bound on one figure of one subject; an empty Subject is Carrier. Whether it is
// reached is computed from the samples, never written down.
type Aim struct {
	Scenario, Subject, Figure string
	// Beside is set where the figure is divided by its median in that scenario.
	Beside string
	// Says is what the table calls the figure.
	Says string
	// Most is set where the bounds are upper ones.
	Most bool
	// Bounds are the first aim and what comes after it.
	Bounds []float64
	Digits int
	// Every is set where all repetitions must keep the bound, as for lost messages; else the
	// median must.
	Every bool
}

// Aims lists what carrier is to reach.
func Aims() []Aim {
	list := []Aim{
		{Scenario: "offered", Figure: "wait", Says: "p99 enqueue to delivery / SQS call time", Most: true, Bounds: []float64{1.5}, Digits: 2},
		{Scenario: "offered", Figure: "calls", Says: "SQS calls per message", Most: true, Bounds: []float64{0.6}, Digits: 2},
		{Scenario: "pubsub", Figure: "wait", Says: "p99 publish to delivery / Pub/Sub call time", Most: true, Bounds: []float64{1.5}, Digits: 2},
		{Scenario: "pubsub", Figure: "calls", Says: "Pub/Sub calls per message", Most: true, Bounds: []float64{0.7}, Digits: 2},
		{Scenario: "pubsub-slow", Figure: "beyond", Says: "leased beyond the slots", Most: true, Bounds: []float64{0}},
		{Scenario: "faults", Figure: "lost", Says: "messages lost", Most: true, Bounds: []float64{0}, Every: true},
		{Scenario: "faults", Figure: "duplicates", Says: "messages accepted twice; these faults force none", Most: true, Bounds: []float64{0}, Every: true},
		{Scenario: "sigterm", Figure: "cut_off", Says: "POSTs cut off", Most: true, Bounds: []float64{0}, Every: true},
		{Scenario: "sigterm", Figure: "limbo", Says: "messages in limbo", Most: true, Bounds: []float64{0}, Every: true},
		{Scenario: "idle", Figure: "anonymous", Says: "anonymous memory, MiB", Most: true, Bounds: []float64{4}, Digits: 2},
		{Scenario: "idle", Figure: "cpu_minute", Says: "CPU, ms a minute", Most: true, Bounds: []float64{5}, Digits: 2},
		{Scenario: "routes-64", Figure: "more", Says: "64 idle routes: anonymous memory more than one takes, MiB", Most: true, Bounds: []float64{3}, Digits: 2},
		{Scenario: "routes-64", Figure: "cpu_minute", Says: "64 idle routes: CPU, ms a minute", Most: true, Bounds: []float64{100}, Digits: 2},
		{Scenario: "throughput-40", Figure: "peak", Says: "peak resident memory, MiB", Most: true, Bounds: []float64{20}, Digits: 1},
		{Scenario: "large", Figure: "per_byte", Says: "peak resident memory / bytes in flight", Most: true, Bounds: []float64{1.5}, Digits: 2},
		// On a fast disk the HTTP server is the limit, and bbolt alone is no measure.
		{Scenario: "ingest-64", Subject: Storing, Figure: "acks/server", Says: "storing: acknowledged / bbolt behind a bare HTTP server", Bounds: []float64{0.4, 0.6}, Digits: 2},
		{Scenario: "ingest-64", Subject: Delivering, Figure: "acks/server", Says: "storing and delivering: acknowledged / bbolt behind a bare HTTP server", Bounds: []float64{0.3, 0.5}, Digits: 2},
		{Scenario: "ingest-64-slow-disk", Subject: Storing, Figure: "acks/bbolt", Says: "storing, limited by fdatasync: acknowledged / bbolt alone", Bounds: []float64{0.8}, Digits: 2},
		{Scenario: "ingest-64-slow-disk", Subject: Delivering, Figure: "acks/bbolt", Says: "storing and delivering, limited by fdatasync: acknowledged / bbolt alone that removes too", Bounds: []float64{0.8}, Digits: 2},
		{Scenario: "backlog", Subject: StartedOnIt, Figure: "full", Says: "enqueue rate with a million stored / rate when empty", Bounds: []float64{0.8}, Digits: 2},
		{Scenario: "backlog", Subject: StartedOnIt, Figure: "accepts", Says: "start on a million messages, s", Most: true, Bounds: []float64{5}, Digits: 2},
	}
	for _, name := range []string{"stores-sqs-1ms", "stores-sqs-10ms"} {
		list = append(list, Aim{Scenario: name, Subject: Door, Figure: "acks/engine", Says: "into the queue: acknowledged / the engine's client alone", Bounds: []float64{0.7}, Digits: 2})
	}
	// Nobody can come near the client of NATS alone with a request for each message: see bench/history.md.
	for _, name := range []string{"stores-sqs-1ms", "stores-sqs-10ms", "stores-nats"} {
		list = append(list, Aim{Scenario: name, Subject: Door, Figure: "acks/server", Says: "into the queue: acknowledged / the engine's client behind net/http", Bounds: []float64{0.7, 0.85}, Digits: 2})
	}
	list = append(list,
		Aim{Scenario: "fanout-store", Subject: Subscriptions(60), Figure: "cpu/one", Says: "storing for 60 subscriptions: CPU per message / for one", Most: true, Bounds: []float64{1.5}, Digits: 2},
		Aim{Scenario: "consumers", Subject: Pull, Figure: "cpu/webhook", Says: "pull of ten: CPU per message / webhook's, both with net/http", Most: true, Bounds: []float64{1, 0.8}, Digits: 2},
		Aim{Scenario: "consumers", Subject: Stream, Figure: "cpu/webhook", Says: "stream: CPU per message / webhook's to net/http", Most: true, Bounds: []float64{1, 0.8}, Digits: 2},
		Aim{Scenario: "audit", Subject: AuditFiles, Figure: "more", Says: "audit trail in files: CPU more than without, µs/message", Most: true, Bounds: []float64{3}, Digits: 1},
		Aim{Scenario: "fanout-dead", Subject: FourAndADeadOne, Figure: "rate/alone", Says: "four subscriptions beside a dead one's backlog: rate / without it", Bounds: []float64{0.9}, Digits: 2})
	for _, name := range []string{"slow-10", "slow-40"} {
		list = append(list,
			Aim{Scenario: name, Figure: "ideal", Says: "rate / (in flight / 5 ms)", Bounds: []float64{0.95}, Digits: 3},
			Aim{Scenario: name, Figure: "rate/nethttp", Says: "the same, of what net/http reaches", Bounds: []float64{0.95}, Digits: 3})
	}
	list = append(list, Aim{Scenario: "bimodal", Figure: "ideal", Says: "share of the ideal rate", Bounds: []float64{0.9}, Digits: 3})
	var first []Aim
	for _, name := range []string{"throughput-10", "throughput-40"} {
		rates := []float64{0.40, 0.55}
		if name == "throughput-10" {
			rates = []float64{0.28, 0.40, 0.55}
		}
		first = append(first,
			Aim{Scenario: name, Figure: "cpu/nethttp", Says: "CPU per message / net/http's per POST", Most: true, Bounds: []float64{3.3, 2.5}, Digits: 2},
			Aim{Scenario: name, Figure: "rate/nethttp", Says: "messages per second / net/http's POSTs", Bounds: rates, Digits: 2})
	}
	first = append(first,
		Aim{Scenario: "throughput-1000", Figure: "calls", Says: "SQS calls per message", Most: true, Bounds: []float64{0.25}, Digits: 2},
		Aim{Scenario: "throughput-1000", Figure: "cpu", Beside: "throughput-40", Says: "CPU per message / with 40 in flight", Most: true, Bounds: []float64{1.3}, Digits: 2})
	return append(first, list...)
}

// values returns what was measured of the aim's figure.
func (a Aim) values(done []Finding) []float64 {
	values := a.measured(a.Scenario, done)
	if a.Beside == "" {
		return values
	}
	beside := figures.Summarize(a.measured(a.Beside, done))
	if beside.N == 0 || beside.Median == 0 {
		return nil
	}
	ratios := make([]float64, len(values))
	for i, v := range values {
		ratios[i] = v / beside.Median
	}
	return ratios
}

// measured returns the aim's figure in one scenario.
func (a Aim) measured(scenario string, done []Finding) []float64 {
	subject := a.Subject
	if subject == "" {
		subject = Carrier
	}
	for _, f := range done {
		if f.Name == scenario {
			return f.Results.Values(subject, a.Figure)
		}
	}
	return nil
}

// verdict says which of the bounds are kept.
func (a Aim) verdict(s figures.Summary) string {
	if s.N == 0 {
		return "not measured"
	}
	kept := 0
	for _, bound := range a.Bounds {
		if a.keeps(s, bound) {
			kept++
		}
	}
	switch {
	case kept == 0:
		return "NOT reached"
	case kept < len(a.Bounds):
		return "first reached"
	}
	return "reached"
}

func (a Aim) keeps(s figures.Summary, bound float64) bool {
	v := s.Median
	if a.Every && a.Most {
		v = s.Max
	} else if a.Every {
		v = s.Min
	}
	if a.Most {
		return v <= bound
	}
	return v >= bound
}

func (a Aim) bound() string {
	sign := ">="
	if a.Most {
		sign = "<="
	}
	parts := make([]string, len(a.Bounds))
	for i, bound := range a.Bounds {
		parts[i] = fmt.Sprintf("%.*f", a.Digits, bound)
	}
	return sign + " " + strings.Join(parts, ", then ")
}

// AimTable holds the findings against the aims.
func AimTable(done []Finding) string {
	rows := [][]string{{"scenario", "figure", "aim", "measured: median (min to max)", "aim is"}}
	for _, a := range Aims() {
		s := figures.Summarize(a.values(done))
		if s.N == 0 {
			continue
		}
		rows = append(rows, []string{a.Scenario, a.Says, a.bound(), format(s, a.Digits), a.verdict(s)})
	}
	var b strings.Builder
	table(&b, rows)
	return b.String()
}
