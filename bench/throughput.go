package main

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"carrier/bench/figures"
)

// A trial is one way to run carrier and the ceilings side by side.
type trial struct {
	hand         int
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
// millisecond, so with one in hand carrier spends most of its time waiting; with ten it
// may by default have one receive open, which bounds the rate at ten messages for each
// call: "carrier, 4 receivers" is allowed four.
func throughput(hand int, quick bool) scenario {
	variants := map[string][]string{}
	if hand == 10 {
		variants[fourReceivers] = []string{"CARRIER_SQS_RECEIVERS=4"}
	}
	return scenario{
		name: "throughput-" + strconv.Itoa(hand), quick: quick,
		says: "worker answers at once, " + strconv.Itoa(hand) + " in hand, bodies of 1 KiB; SQS calls take 1 ms",
		columns: []column{
			{"rate", "messages/s", 0}, {"cpu", "CPU µs/message", 1}, {"system", "of it system %", 0},
			{"cpu/nethttp", "CPU / net/http's", 2}, {"rate/nethttp", "rate / net/http's", 2},
			{"cpu/fasthttp", "CPU / fasthttp's", 2},
			{"cores", "cores", 2}, {"others", "others' cores", 2}, {"worker_cpu", "worker's µs", 1}, {"queue_cpu", "queue's µs", 1},
			{"calls", "SQS calls/message", 2}, {"peak", "peak RSS MiB", 1}, {"anonymous", "anonymous MiB", 1},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			return b.compare(ctx, r, trial{
				variants: variants,
				hand:     hand, ceilings: []string{netHTTP, fastHTTP, bareTCP}, reps: b.times(3, 2),
				warm: b.span(time.Second, 700*time.Millisecond), during: b.span(3*time.Second, 1500*time.Millisecond), fill: 160_000,
			})
		},
	}
}

// slow measures a worker that takes five milliseconds: whether every place in hand is
// really used. "busy" is the share of time that the places were occupied, by the
// worker's own count; the aim's figure divides the rate by what the places could do if
// each took five milliseconds and nothing in between. The worker's timer is late by some
// hundredths of a millisecond; the ceiling suffers the same.
func slow(hand int, quick bool) scenario {
	return scenario{
		name: "slow-" + strconv.Itoa(hand), quick: quick,
		says:    "worker takes 5 ms, " + strconv.Itoa(hand) + " in hand",
		columns: idealColumns(),
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			err := b.compare(ctx, r, trial{
				hand: hand, worker: []string{"-latency", "5ms"}, ceilings: []string{netHTTP, bareTCP},
				reps: b.times(3, 1), warm: time.Second, during: b.span(4*time.Second, 3*time.Second), fill: 60_000,
			})
			ideal(*r, float64(hand)/0.005)
			return err
		},
	}
}

// bimodal measures a worker that is quick but for one POST in a hundred, which takes two
// seconds: whether the slow ones hold up the quick ones. Every hundredth POST is slow,
// not a random one, so that all runs have the same work. The ideal rate is the number in
// hand divided by the average time.
func bimodal() scenario {
	const hand = 40
	return scenario{
		name: "bimodal", says: "worker takes 1 ms, and 2 s for 1 % of the messages; 40 in hand",
		columns: idealColumns(),
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			err := b.compare(ctx, r, trial{
				hand: hand, worker: []string{"-latency", "1ms", "-slow", "2s", "-slow-share", "0.01"},
				ceilings: []string{netHTTP}, reps: 2, warm: 4 * time.Second, during: 10 * time.Second, fill: 60_000,
			})
			ideal(*r, hand/(0.99*0.001+0.01*2))
			return err
		},
	}
}

func idealColumns() []column {
	return []column{
		{"rate", "messages/s", 0}, {"ideal", "rate / ideal", 3}, {"busy", "places occupied", 3},
		{"cpu", "CPU µs/message", 1}, {"cpu/nethttp", "CPU / net/http's", 2}, {"rate/nethttp", "rate / net/http's", 3},
		{"others", "others' cores", 2},
		{"calls", "SQS calls/message", 2}, {"peak", "peak RSS MiB", 1},
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
	return append([]string{carrier}, slices.Sorted(maps.Keys(t.variants))...)
}

func (b *bench) measureCarrier(ctx context.Context, t trial, env ...string) (figures.Sample, error) {
	defer b.stopAll()
	worker, err := b.tool("worker", t.worker...)
	if err != nil {
		return nil, err
	}
	queue, err := b.tool("sqsserver", "-latency", "1ms", "-size", strconv.Itoa(bodySize))
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, queue, t.fill); err != nil {
		return nil, err
	}
	subject, err := b.carrierSQS(queue, worker, t.hand, env...)
	if err != nil {
		return nil, err
	}
	s := setup{subject: subject, worker: worker, queue: queue, hand: t.hand}
	if err := s.warm(ctx, t.hand, t.warm); err != nil {
		return nil, err
	}
	return s.window(ctx, t.during)
}

func (b *bench) measureCeiling(ctx context.Context, name string, t trial) (figures.Sample, error) {
	defer b.stopAll()
	worker, err := b.tool("worker", t.worker...)
	if err != nil {
		return nil, err
	}
	subject, err := b.ceiling(ctx, name, worker, t.hand, bodySize)
	if err != nil {
		return nil, err
	}
	s := setup{subject: subject, worker: worker, hand: t.hand}
	if err := s.warm(ctx, t.hand, t.warm); err != nil {
		return nil, err
	}
	sample, err := s.window(ctx, t.during)
	delete(sample, "calls")
	delete(sample, "queue_cpu")
	return sample, err
}
