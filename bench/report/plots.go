package report

import (
	"math"
	"strconv"
	"strings"

	"carrier/bench/chart"
	"carrier/bench/figures"
)

// A plot is one picture of the report.
type plot struct{ name, svg string }

// plots draws what the findings have data for.
func plots(done []Finding) []plot {
	var list []plot
	bars := func(name, prefix, figure, title, unit string, subjects ...string) {
		if c, ok := across(done, prefix, figure, subjects); ok {
			c.Title, c.Unit = title, unit
			list = append(list, plot{name, c.Bars()})
		}
	}
	bars("cpu", "throughput-", "cpu", "Processor time for one message, by messages in flight", "microseconds", Carrier, NetHTTP, FastHTTP, BareTCP)
	bars("rate", "throughput-", "rate", "Messages a second, by messages in flight", "messages/s; all processes share the cores", Carrier, NetHTTP, FastHTTP, BareTCP)
	bars("ingest", "ingest-", "acks", "Acknowledged messages a second, by producers", "messages/s; all processes share the cores",
		Storing, Delivering, BoltServer, BoltRemove, Bolt)
	if svg, ok := backlogPlot(done); ok {
		list = append(list, plot{"backlog", svg})
	}
	return list
}

// across takes one figure from all scenarios whose name is prefix and a number.
func across(done []Finding, prefix, figure string, subjects []string) (c chart.Chart, ok bool) {
	c.Series = make([]chart.Series, len(subjects))
	for i, subject := range subjects {
		c.Series[i].Name = subject
	}
	for _, f := range done {
		label, found := strings.CutPrefix(f.Name, prefix)
		if !found {
			continue
		}
		c.Labels = append(c.Labels, label)
		for i, subject := range subjects {
			v := math.NaN()
			if s := figures.Summarize(f.Results.Values(subject, figure)); s.N > 0 {
				v = s.Median
			}
			c.Series[i].Values = append(c.Series[i].Values, v)
		}
	}
	return c, len(c.Labels) > 0
}

// backlogPlot draws rate and cost as the queue fills, each as a share of its first value.
func backlogPlot(done []Finding) (svg string, ok bool) {
	for _, f := range done {
		if f.Name != "backlog" {
			continue
		}
		c := chart.Chart{Title: "Ingest as the backlog grows", Unit: "share of the first 50,000's; by thousands of messages stored"}
		for _, figure := range []struct{ key, name string }{{"acks", "acknowledged a second"}, {"cpu", "processor time for one message"}} {
			values := f.Results.Values(Carrier, figure.key)
			c.Series = append(c.Series, chart.Series{Name: figure.name, Values: shares(values)})
		}
		for i := range c.Series[0].Values {
			c.Labels = append(c.Labels, strconv.Itoa((i+1)*BacklogStep/1000))
		}
		return c.Lines(), len(c.Labels) > 0
	}
	return "", false
}

// shares divides values by the first of them.
func shares(values []float64) []float64 {
	var list []float64
	for _, v := range values {
		list = append(list, v/values[0])
	}
	return list
}
