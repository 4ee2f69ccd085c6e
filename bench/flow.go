package main

import (
	"context"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// deferred measures a worker that puts off one POST in ten with 429 and Retry-After: what
// that costs, and that nothing comes back early. A message is counted when it is
// accepted, so the cost of a message includes its share of POSTs that were put off and
// of the calls that put them off.
func deferred() scenario {
	return scenario{
		name: "deferred", says: "worker answers immediately, 10 % of the POSTs answered 429 with Retry-After: 1; 40 in flight",
		columns: []report.Column{
			col("rate", "messages/s", 0), col("cpu", "CPU µs/message", 1), col("calls", "SQS calls/message", 2),
			col("early", "posted early", 0), col("duplicates", "duplicates", 0), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(3, 1) {
				s, err := b.measureCarrier(ctx, trial{
					inFlight: 40, worker: []string{"-defer", "0.1", "-retry-after", "1s"},
					warm: 2 * time.Second, during: b.Span(3*time.Second, 2*time.Second), fill: 160_000,
				})
				if err != nil {
					return err
				}
				r.Add(report.Carrier, s)
			}
			return nil
		},
	}
}

// callTime is what a call to the source takes in the scenarios of a steady offer.
const callTime = 10 * time.Millisecond

// offered measures how long messages wait when there is time for all of them: from the
// moment one enters the queue to the moment its POST has arrived at the worker. Arrivals
// are random, so some of them come in knots. Half of a call's time is spent before the
// queue looks and half after, so no message can be faster than half a call.
func offered() scenario {
	s := offer("SQS ", func(b *bench) harness.Connect { return b.SQS })
	s.name, s.quick = "offered", true
	s.says = "500 messages/s offered at random moments, SQS calls take 10 ms, worker takes 5 ms, 40 in flight"
	return s
}

// offer is offered over a source whose calls are called calls.
func offer(calls string, connect func(*bench) harness.Connect) scenario {
	return scenario{
		columns: []report.Column{
			col("rate", "messages/s", 0), col("p50", "p50 ms to the POST", 2), col("p99", "p99 ms", 2),
			col("wait", "p99 / call time", 2), col("calls", calls+"calls/message", 2),
			col("cpu", "CPU µs/message", 1), col("call", "measured call ms", 2), col("others", "others' cores", 2), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(3, 1) {
				s, err := b.measureOffer(ctx, connect(b))
				if err != nil {
					return err
				}
				r.Add(report.Carrier, s)
			}
			return nil
		},
	}
}

func (b *bench) measureOffer(ctx context.Context, connect harness.Connect) (figures.Sample, error) {
	defer b.StopAll()
	const warm = 3 * time.Second
	during := b.Span(8*time.Second, 5*time.Second)
	s, err := connect([]string{"-latency", "5ms"}, []string{"-latency", callTime.String()}, 40)
	if err != nil {
		return nil, err
	}
	if err := s.Queue.Order(ctx, "/offer?rate=500&during="+(warm+during+time.Second).String()); err != nil {
		return nil, err
	}
	s.InFlight = 0 // places are free, and the queue is dry, on purpose
	if err := s.Warm(ctx, 10, warm); err != nil {
		return nil, err
	}
	sample, err := s.Window(ctx, during)
	if err != nil {
		return nil, err
	}
	var q harness.QueueStats
	err = s.Queue.Ask(ctx, &q)
	sample["call"], sample["wait"] = harness.Milli(q.CallTime), sample["p99"]/harness.Milli(callTime)
	return sample, err
}

// faults measures nothing but the books: a number of messages, a worker that answers 500
// to 5 % of the POSTs and closes the connection of 1 %, and a queue that throttles 2 % of
// the calls, fails 2 % of the entries of deletes, and closes the connection of 1 % of the
// calls before and of 1 % after they were carried out. In the end every message must have
// been accepted once and deleted. A closed connection after a receive leaves ten messages
// to the end of their lease, which is 5 s here, and that is what most of the time goes to.
//
// None of these faults forces a duplicate: the worker's own count of messages accepted
// twice should be 0. Were a lease to end while a delete is repeated, the queue would count
// it under expired leases.
func faults() scenario {
	return scenario{
		name: "faults", quick: true,
		says: "5 % answered 500, dropped connections, 2 % failing delete entries, throttled calls, until the queue is empty; 40 in flight",
		columns: []report.Column{
			col("messages", "messages", 0), col("lost", "lost", 0), col("duplicates", "duplicates", 0),
			col("at_once", "posted twice at once", 0), col("posts", "POSTs", 0), col("failed", "answered 500", 0),
			col("dropped", "dropped by worker", 0), col("throttled", "throttled", 0), col("cut", "calls dropped", 0),
			col("delete_failed", "failed deletes", 0), col("expired", "leases expired", 0), col("deleted_late", "deleted late", 0),
			col("seconds", "seconds", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(2, 1) {
				s, err := b.measureFaults(ctx, b.Times(20_000, 4_000))
				if err != nil {
					return err
				}
				r.Add(report.Carrier, s)
			}
			return nil
		},
	}
}

func (b *bench) measureFaults(ctx context.Context, n int) (figures.Sample, error) {
	defer b.StopAll()
	s, err := b.SQS([]string{"-latency", "1ms", "-fail", "0.05", "-drop", "0.01"}, []string{
		"-latency", "1ms", "-lease", "5s", "-throttle", "0.02", "-fail-delete", "0.02",
		"-drop-before", "0.01", "-drop-after", "0.01",
	}, 40)
	if err != nil {
		return nil, err
	}
	if err := harness.Fill(ctx, s.Queue, n); err != nil {
		return nil, err
	}
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	// Time running out is a finding, not a failure: what is missing then counts as lost.
	_ = harness.Drained(limited, s.Queue, n)
	return s.Books(ctx, n, time.Since(start))
}

func size(n int) []string { return []string{"-size", strconv.Itoa(n)} }
