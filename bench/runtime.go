package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/proc"
	"carrier/bench/report"
)

const kibibyte, mebibyte = 1 << 10, 1 << 20

// A runtimeLoad is one kind of work on which settings of the Go runtime are compared.
type runtimeLoad struct {
	name           string
	size, inFlight int
	tls            bool   // to the queue and to the worker
	fill           int    // none for an idle carrier
	latency        string // of the worker
	warm, during   time.Duration
}

func processorLoads() []runtimeLoad {
	short, long := 2*time.Second, 4*time.Second
	return []runtimeLoad{
		{"plain, 1 KiB, 10", kibibyte, 10, false, 160_000, "0", short, long},
		{"TLS, 1 KiB, 10", kibibyte, 10, true, 160_000, "0", short, long},
		{"TLS, 1 KiB, 40", kibibyte, 40, true, 160_000, "0", short, long},
		{"plain, 1 MiB, 10", mebibyte, 10, false, 4000, "0", short, long},
		{"TLS, 1 MiB, 10", mebibyte, 10, true, 3000, "0", short, long},
		{"TLS, 1 MiB, 40", mebibyte, 40, true, 3000, "0", short, long},
		{"plain, 1 MiB, 200, worker 1 s", mebibyte, 200, false, 4000, "1s", long, long},
	}
}

// collectorLoads are nothing to do, small messages, and large ones of which few or many are in
// flight. An idle carrier's CPU is in milliseconds a minute.
func collectorLoads() []runtimeLoad {
	short, long := 2*time.Second, 4*time.Second
	return []runtimeLoad{
		{"idle", kibibyte, 10, false, 0, "0", short, 8 * time.Second},
		{"1 KiB, 40", kibibyte, 40, false, 160_000, "0", short, long},
		{"1 MiB, 10", mebibyte, 10, false, 2000, "0", short, long},
		{"1 MiB, 200, worker 2 s", mebibyte, 200, false, 2500, "2s", long, 2 * long},
		{"1 MiB, 1000, worker 10 s", mebibyte, 1000, false, 4000, "10s", 2 * long, 4 * long},
	}
}

// A setting is the environment of one subject.
type setting struct {
	name string
	env  []string
}

// softLimit stands for a GOMEMLIMIT that is reckoned from the load: what can be in flight, a tenth
// more, and 64 MiB.
const softLimit = "GOMEMLIMIT"

func (s setting) environment(l runtimeLoad) []string {
	env := slices.Clone(s.env)
	for i, name := range env {
		if name == softLimit {
			env[i] = fmt.Sprintf("GOMEMLIMIT=%d", l.inFlight*l.size*11/10+64*mebibyte)
		}
	}
	return env
}

// processors compares as many processors as the work uses up with as many as the machine has.
func processors() scenario {
	return runtimeScenario("processors", "CARRIER_TUNE_PROCESSORS auto and off, in pairs", processorLoads(), []setting{
		{"auto", []string{"CARRIER_TUNE_PROCESSORS=auto"}}, {"off", []string{"CARRIER_TUNE_PROCESSORS=off"}},
	})
}

// collector compares settings of the garbage collector. An explicit GOGC turns off what carrier
// itself does.
func collector() scenario {
	return runtimeScenario("collector", "settings of the garbage collector, in turn", collectorLoads(), []setting{
		{"carrier's own", nil}, {"GOGC=100", []string{"GOGC=100"}}, {"GOGC=50", []string{"GOGC=50"}}, {"GOGC=25", []string{"GOGC=25"}},
		{"GOGC=100 and a limit", []string{"GOGC=100", softLimit}},
	})
}

// runtimeScenario measures every load with each of settings in turn, so that what disturbs the
// machine for a while disturbs all of them. Processor time is the figure to trust: queue and worker
// share the machine.
func runtimeScenario(name, says string, loads []runtimeLoad, settings []setting) scenario {
	return scenario{
		name: name, says: says, asked: true,
		columns: []report.Column{
			col("most", "most in flight", 0), col("rate", "messages/s", 0), col("cpu", "CPU µs/message", 1), col("system", "of it system %", 0),
			col("cores", "cores", 2), col("peak", "peak RSS MiB", 1), col("anonymous", "anonymous MiB", 1), col("others", "others' cores", 2),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for _, l := range loads {
				for range b.Times(4, 2) {
					for _, s := range settings {
						sample, err := b.onLoad(ctx, l, s)
						if err != nil {
							return fmt.Errorf("%s, %s: %w", l.name, s.name, err)
						}
						r.Add(l.name+": "+s.name, sample)
					}
				}
			}
			return nil
		},
	}
}

func (b *bench) onLoad(ctx context.Context, l runtimeLoad, s setting) (sample figures.Sample, err error) {
	measure := func() error {
		sample, err = b.measureRuntime(ctx, l, s.environment(l))
		return err
	}
	run := func(measure func() error) error { return measure() }
	if l.tls {
		run = b.WithTLS
	}
	err = run(measure)
	return sample, err
}

func (b *bench) measureRuntime(ctx context.Context, l runtimeLoad, env []string) (figures.Sample, error) {
	defer b.StopAll()
	worker, err := b.Tool("worker", "-latency", l.latency)
	if err != nil {
		return nil, err
	}
	queue, err := b.Tool("sqsserver", "-latency", "1ms", "-lease", "120s", "-size", strconv.Itoa(l.size))
	if err != nil {
		return nil, err
	}
	if err := harness.Fill(ctx, queue, l.fill); err != nil {
		return nil, err
	}
	subject, err := b.CarrierSQS(queue, worker, l.inFlight, env...)
	if err != nil {
		return nil, err
	}
	if l.fill == 0 {
		return idleCost(ctx, subject, l)
	}
	s := harness.Setup{Subject: subject, Worker: worker, Queue: queue, InFlight: l.inFlight}
	if err := s.Warm(ctx, l.inFlight, l.warm); err != nil {
		return nil, err
	}
	sample, err := s.Window(ctx, l.during)
	if err != nil {
		return nil, err
	}
	var w harness.WorkerStats
	err = s.Worker.Ask(ctx, &w)
	sample["most"] = float64(w.MostInFlight)
	return sample, err
}

// idleCost measures a carrier that has nothing to do.
func idleCost(ctx context.Context, subject *proc.Process, l runtimeLoad) (figures.Sample, error) {
	if err := harness.Wait(ctx, l.warm); err != nil {
		return nil, err
	}
	before, err := subject.CPU()
	if err != nil {
		return nil, err
	}
	if err := harness.Wait(ctx, l.during); err != nil {
		return nil, err
	}
	after, err := subject.CPU()
	if err != nil {
		return nil, err
	}
	m, err := subject.Memory()
	return figures.Sample{
		"cpu":  harness.Milli(after-before) * float64(time.Minute) / float64(l.during),
		"peak": harness.Mebi(m.Peak), "anonymous": harness.Mebi(m.Anonymous),
	}, err
}
