package main

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// A trial is one way to run carrier and the ceilings side by side.
type trial struct {
	inFlight     int
	worker       []string // flags of the worker
	ceilings     []string
	variants     map[string][]string // environment of further carriers, by subject
	reps         int
	warm, during time.Duration
	fill         int // enough for the whole of warm and during
}

const bodySize = 1024

// throughput measures a worker that answers at once: what a message costs, beside what
// a bare POST costs.
//
// What could mislead: subject, worker and queue share the cores, so that a rate says how
// much the three together need, and a cheaper worker or queue would raise it. Processor
// time per message is the figure to trust. The queue answers a call after one
// millisecond, so with one in flight carrier spends most of its time waiting; with ten, one
// open receive bounds the rate at ten messages for each call: "carrier, 4 receivers" is
// allowed four, beside carrier, which measures how many the work is worth.
func throughput(inFlight int, quick bool) scenario {
	variants := map[string][]string{}
	if inFlight == 10 {
		variants[report.FourReceivers] = []string{"CARRIER_SQS_RECEIVERS=4"}
	}
	return scenario{
		name: "throughput-" + strconv.Itoa(inFlight), quick: quick,
		says: "worker answers immediately, " + strconv.Itoa(inFlight) + " in flight, bodies of 1 KiB; SQS calls take 1 ms",
		columns: []report.Column{
			col("rate", "messages/s", 0), col("cpu", "CPU µs/message", 1), col("system", "of it system %", 0),
			col("cpu/nethttp", "CPU / net/http's", 2), col("rate/nethttp", "rate / net/http's", 2),
			col("cpu/fasthttp", "CPU / fasthttp's", 2),
			col("cores", "cores", 2), col("others", "others' cores", 2), col("worker_cpu", "worker's µs", 1), col("queue_cpu", "queue's µs", 1),
			col("calls", "SQS calls/message", 2), col("peak", "peak RSS MiB", 1), col("anonymous", "anonymous MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			return b.compare(ctx, r, trial{
				variants: variants,
				inFlight: inFlight, ceilings: []string{report.NetHTTP, report.FastHTTP, report.BareTCP}, reps: b.Times(3, 2),
				warm: b.Span(time.Second, 700*time.Millisecond), during: b.Span(3*time.Second, 1500*time.Millisecond), fill: 160_000,
			})
		},
	}
}

// overTLS is throughput with TLS to the queue and to the worker. Both sides of each connection are
// on this machine, so the cost of TLS shows twice in the rate and once in the processor time.
func overTLS(inFlight int) scenario {
	s := throughput(inFlight, false)
	s.name = "tls-" + strconv.Itoa(inFlight)
	s.says += "; TLS to the queue and to the worker"
	s.columns = slices.DeleteFunc(s.columns, func(c report.Column) bool { return c.Figure == "cpu/fasthttp" })
	s.run = func(ctx context.Context, b *bench, r *figures.Results) error {
		return b.WithTLS(func() error {
			return b.compare(ctx, r, trial{
				inFlight: inFlight, ceilings: []string{report.NetHTTP}, reps: b.Times(3, 2),
				warm: 2 * time.Second, during: b.Span(3*time.Second, 1500*time.Millisecond), fill: 160_000,
			})
		})
	}
	return s
}

// slow measures a worker that takes five milliseconds: whether every slot is really used. "busy" is
// the share of time that the places were occupied, by the worker's own count; the aim's figure
// divides the rate by what the places could do if each took five milliseconds and nothing in
// between. The worker's timer is late by some hundredths of a millisecond; the ceiling suffers the
// same.
func slow(inFlight int, quick bool) scenario {
	return scenario{
		name: "slow-" + strconv.Itoa(inFlight), quick: quick,
		says:    "worker takes 5 ms, " + strconv.Itoa(inFlight) + " in flight",
		columns: idealColumns(),
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			err := b.compare(ctx, r, trial{
				inFlight: inFlight, worker: []string{"-latency", "5ms"}, ceilings: []string{report.NetHTTP, report.BareTCP},
				reps: b.Times(3, 1), warm: time.Second, during: b.Span(4*time.Second, 3*time.Second), fill: 60_000,
			})
			ideal(*r, float64(inFlight)/0.005)
			return err
		},
	}
}

// bimodal measures a worker that is quick but for one POST in a hundred, which takes two
// seconds: whether the slow ones hold up the quick ones. Every hundredth POST is slow,
// not a random one, so that all runs have the same work. The ideal rate is the number in
// flight divided by the average time.
func bimodal() scenario {
	const inFlight = 40
	return scenario{
		name: "bimodal", says: "worker takes 1 ms, and 2 s for 1 % of the messages; 40 in flight",
		columns: idealColumns(),
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			err := b.compare(ctx, r, trial{
				inFlight: inFlight, worker: []string{"-latency", "1ms", "-slow", "2s", "-slow-share", "0.01"},
				ceilings: []string{report.NetHTTP}, reps: 2, warm: 4 * time.Second, during: 10 * time.Second, fill: 60_000,
			})
			ideal(*r, inFlight/(0.99*0.001+0.01*2))
			return err
		},
	}
}

func idealColumns() []report.Column {
	return []report.Column{
		col("rate", "messages/s", 0), col("ideal", "rate / ideal", 3), col("busy", "places occupied", 3),
		col("cpu", "CPU µs/message", 1), col("cpu/nethttp", "CPU / net/http's", 2), col("rate/nethttp", "rate / net/http's", 3),
		col("others", "others' cores", 2),
		col("calls", "SQS calls/message", 2), col("peak", "peak RSS MiB", 1),
	}
}

func ideal(r figures.Results, rate float64) {
	for _, s := range r {
		for _, sample := range s.Samples {
			sample["ideal"] = sample["rate"] / rate
		}
	}
}

// compare runs carrier and the ceilings in turn, A B A B, so that what disturbs the
// machine for a while disturbs all of them, and divides figures of the same turn.
func (b *bench) compare(ctx context.Context, r *figures.Results, t trial) error {
	for range t.reps {
		own := map[string]figures.Sample{}
		for _, name := range t.carriers() {
			s, err := b.measureCarrier(ctx, t, t.variants[name]...)
			if err != nil {
				return err
			}
			own[name] = s
			r.Add(name, s)
		}
		for _, name := range t.ceilings {
			s, err := b.measureCeiling(ctx, name, t)
			if err != nil {
				return err
			}
			for _, o := range own {
				o["cpu/"+name], o["rate/"+name] = o["cpu"]/s["cpu"], o["rate"]/s["rate"]
			}
			r.Add(name, s)
		}
	}
	return nil
}

// carriers names the carriers to run: with nothing but the defaults first.
func (t trial) carriers() []string {
	return append([]string{report.Carrier}, slices.Sorted(maps.Keys(t.variants))...)
}

func (b *bench) measureCarrier(ctx context.Context, t trial, env ...string) (figures.Sample, error) {
	defer b.StopAll()
	s, err := b.warmCarrier(ctx, t, env...)
	if err != nil {
		return nil, err
	}
	return s.Window(ctx, t.during)
}

// warmCarrier starts carrier between a queue and a worker, and waits until it is warm.
func (b *bench) warmCarrier(ctx context.Context, t trial, env ...string) (s harness.Setup, err error) {
	s.InFlight = t.inFlight
	if s.Worker, err = b.Tool("worker", t.worker...); err != nil {
		return s, err
	}
	if s.Queue, err = b.Tool("sqsserver", "-latency", "1ms", "-size", strconv.Itoa(bodySize)); err != nil {
		return s, err
	}
	if err := harness.Fill(ctx, s.Queue, t.fill); err != nil {
		return s, err
	}
	if s.Subject, err = b.CarrierSQS(s.Queue, s.Worker, t.inFlight, env...); err != nil {
		return s, err
	}
	return s, s.Warm(ctx, t.inFlight, t.warm)
}

func (b *bench) measureCeiling(ctx context.Context, name string, t trial) (figures.Sample, error) {
	defer b.StopAll()
	worker, err := b.Tool("worker", t.worker...)
	if err != nil {
		return nil, err
	}
	subject, err := b.Ceiling(ctx, name, worker, t.inFlight, bodySize)
	if err != nil {
		return nil, err
	}
	s := harness.Setup{Subject: subject, Worker: worker, InFlight: t.inFlight}
	if err := s.Warm(ctx, t.inFlight, t.warm); err != nil {
		return nil, err
	}
	sample, err := s.Window(ctx, t.during)
	delete(sample, "calls")
	delete(sample, "queue_cpu")
	return sample, err
}
