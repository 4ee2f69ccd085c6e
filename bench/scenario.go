package main

import (
	"context"
	"fmt"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// A bench is the harness with the measurements of the scenarios.
type bench struct{ *harness.Bench }

// A scenario is one thing to measure.
type scenario struct {
	name string
	// says is what is measured, and what could mislead.
	says string
	// quick makes it a part of the smaller run.
	quick bool
	// asked leaves it out unless -only names it: it decides a setting, and is no part of the report.
	asked   bool
	columns []report.Column
	run     func(ctx context.Context, b *bench, r *figures.Results) error
}

func col(figure, title string, digits int) report.Column {
	return report.Column{Figure: figure, Title: title, Digits: digits}
}

// scenarios lists everything that is measured, in the order of the report.
func scenarios() []scenario {
	return []scenario{
		throughput(1, false), throughput(10, true), throughput(40, true), throughput(1000, false), overTLS(10), overTLS(40),
		slow(10, true), slow(40, false), bimodal(),
		deferred(), faults(), offered(), pubsub(), pubsubSlow(),
		disk(), ingest(1, false), ingest(8, false), ingest(64, true), ingest(512, false), ingestSlowDisk(64, true), inFrontOfQueue("sqs", time.Millisecond), inFrontOfQueue("sqs", 10*time.Millisecond), inFrontOfQueue("nats", 0), backlog(), fanoutStore(), fanoutDead(), auditTrail(), consumers(),
		idle(), idleRoutes(), large(), stopping(), startup(), sizes(), processors(), collector(),
	}
}

// wants reports whether s is to be run.
func (o options) wants(s scenario) bool {
	if s.asked && o.only.String() == "" {
		return false
	}
	return (s.quick || !o.quick) && o.only.MatchString(s.name)
}

// all runs the scenarios of list that o asks for, one after another. One that fails does not
// keep the others from being run; the end of ctx does.
func (b *bench) all(ctx context.Context, o options, list []scenario) (done []report.Finding, err error) {
	for _, s := range list {
		if !o.wants(s) {
			continue
		}
		f := report.Finding{Scenario: report.Scenario{Name: s.name, Says: s.says, Columns: s.columns}}
		start := time.Now()
		f.Err = s.run(ctx, b, &f.Results)
		b.StopAll()
		f.Took = time.Since(start)
		done = append(done, f)
		fmt.Println(f)
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		if f.Err != nil {
			err = fmt.Errorf("%s: %w", s.name, f.Err)
		}
	}
	return done, err
}
