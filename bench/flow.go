package main

import (
	"context"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/proc"
)

// deferred measures a worker that puts off one POST in ten with 429 and Retry-After: what
// that costs, and that nothing comes back early. A message is counted when it is
// accepted, so the cost of a message includes its share of POSTs that were put off and
// of the calls that put them off.
func deferred() scenario {
	return scenario{
		name: "deferred", says: "worker at once, 10 % of the POSTs answered 429 with Retry-After: 1; 40 in hand",
		columns: []column{
			{"rate", "messages/s", 0}, {"cpu", "CPU µs/message", 1}, {"calls", "SQS calls/message", 2},
			{"early", "posted early", 0}, {"duplicates", "duplicates", 0}, {"peak", "peak RSS MiB", 1},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.times(3, 1) {
				s, err := b.measureCarrier(ctx, trial{
					hand: 40, worker: []string{"-defer", "0.1", "-retry-after", "1s"},
					warm: 2 * time.Second, during: b.span(3*time.Second, 2*time.Second), fill: 160_000,
				})
				if err != nil {
					return err
				}
				r.Add(carrier, s)
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
	return scenario{
		name: "offered", quick: true,
		says: "500 messages/s offered at random moments, SQS calls take 10 ms, worker takes 5 ms, 40 in hand",
		columns: []column{
			{"rate", "messages/s", 0}, {"p50", "p50 ms to the POST", 2}, {"p99", "p99 ms", 2},
			{"wait", "p99 / call time", 2}, {"calls", "SQS calls/message", 2},
			{"cpu", "CPU µs/message", 1}, {"call", "measured call ms", 2}, {"others", "others' cores", 2}, {"peak", "peak RSS MiB", 1},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.times(3, 1) {
				s, err := b.measureOffer(ctx, b.between)
				if err != nil {
					return err
				}
				r.Add(carrier, s)
			}
			return nil
		},
	}
}

// A joining starts a queue, a worker, and carrier between them with room for so many in
// hand.
type joining func(worker, queue []string, hand int) (setup, error)

func (b *bench) measureOffer(ctx context.Context, between joining) (figures.Sample, error) {
	defer b.stopAll()
	const warm = 3 * time.Second
	during := b.span(8*time.Second, 5*time.Second)
	s, err := between([]string{"-latency", "5ms"}, []string{"-latency", callTime.String()}, 40)
	if err != nil {
		return nil, err
	}
	if err := s.queue.Order(ctx, "/offer?rate=500&during="+(warm+during+time.Second).String()); err != nil {
		return nil, err
	}
	s.hand = 0 // places are free, and the queue is dry, on purpose
	if err := s.warm(ctx, 10, warm); err != nil {
		return nil, err
	}
	sample, err := s.window(ctx, during)
	if err != nil {
		return nil, err
	}
	var q queueStats
	err = s.queue.Ask(ctx, &q)
	sample["call"], sample["wait"] = milli(q.CallTime), sample["p99"]/milli(callTime)
	return sample, err
}

// between is the joining over SQS.
func (b *bench) between(worker, queue []string, hand int) (s setup, err error) {
	if s.worker, err = b.tool("worker", worker...); err != nil {
		return s, err
	}
	if s.queue, err = b.tool("sqsserver", queue...); err != nil {
		return s, err
	}
	s.hand = hand
	s.subject, err = b.carrierSQS(s.queue, s.worker, hand)
	return s, err
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
		says: "5 % answered 500, dropped connections, 2 % failing delete entries, throttled calls, until the queue is empty; 40 in hand",
		columns: []column{
			{"messages", "messages", 0}, {"lost", "lost", 0}, {"duplicates", "duplicates", 0},
			{"at_once", "posted twice at once", 0}, {"posts", "POSTs", 0}, {"failed", "answered 500", 0},
			{"dropped", "dropped by worker", 0}, {"throttled", "throttled", 0}, {"cut", "calls dropped", 0},
			{"delete_failed", "failed deletes", 0}, {"expired", "leases expired", 0}, {"deleted_late", "deleted late", 0},
			{"seconds", "seconds", 1},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.times(2, 1) {
				s, err := b.measureFaults(ctx, b.times(20_000, 4_000))
				if err != nil {
					return err
				}
				r.Add(carrier, s)
			}
			return nil
		},
	}
}

func (b *bench) measureFaults(ctx context.Context, n int) (figures.Sample, error) {
	defer b.stopAll()
	s, err := b.between([]string{"-latency", "1ms", "-fail", "0.05", "-drop", "0.01"}, []string{
		"-latency", "1ms", "-lease", "5s", "-throttle", "0.02", "-fail-delete", "0.02",
		"-drop-before", "0.01", "-drop-after", "0.01",
	}, 40)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, s.queue, n); err != nil {
		return nil, err
	}
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	// Time running out is a finding, not a failure: what is missing then counts as lost.
	_ = drained(limited, s.queue, n)
	return s.books(ctx, n, time.Since(start))
}

// drained waits until all n messages of queue are deleted.
func drained(ctx context.Context, queue *proc.Process, n int) error {
	return until(ctx, 50*time.Millisecond, func() (bool, error) {
		var q queueStats
		err := queue.Ask(ctx, &q)
		return q.Deleted == n, err
	})
}

// books reads what became of n messages.
func (s setup) books(ctx context.Context, n int, took time.Duration) (figures.Sample, error) {
	m, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	w, q := m.worker, m.queue
	return figures.Sample{
		"messages": float64(n), "lost": float64(n - min(w.Distinct, q.Deleted)),
		"duplicates": float64(w.Duplicates), "at_once": float64(w.AtOnce), "posts": float64(w.Posts),
		"failed": float64(w.Failed), "dropped": float64(w.Dropped),
		"throttled": float64(q.Faults["throttled"]), "cut": float64(q.Faults["drop_before"] + q.Faults["drop_after"]),
		"delete_failed": float64(q.Faults["delete_failed"]), "expired": float64(q.Expired),
		"deleted_late": float64(q.DeletedLate), "seconds": took.Seconds(),
		"early": float64(w.Early), "cut_off": float64(w.CutOff), "limbo": float64(q.InFlight),
	}, nil
}

func size(n int) []string { return []string{"-size", strconv.Itoa(n)} }
