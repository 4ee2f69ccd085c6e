package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"carrier/bench/figures"
)

// A load is one kind of work on which two settings of the Go runtime are compared.
type runtimeLoad struct {
	name         string
	size, hand   int
	tls          bool // to the queue and to the worker
	fill         int
	latency      string // of the worker
	warm, during time.Duration
}

func runtimeLoads() []runtimeLoad {
	const kibibyte, mebibyte = 1 << 10, 1 << 20
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

// A setting is the environment of one subject.
type setting struct {
	name string
	env  []string
}

// processors compares one processor for each hundred in flight with as many as the machine has.
func processors() scenario {
	return runtimeScenario("processors", "CARRIER_TUNE_PROCESSORS auto and off, in pairs", []setting{
		{"auto", []string{"CARRIER_TUNE_PROCESSORS=auto"}}, {"off", []string{"CARRIER_TUNE_PROCESSORS=off"}},
	})
}

// collector compares settings of the garbage collector. An explicit GOGC turns off what carrier
// itself does.
func collector() scenario {
	return runtimeScenario("collector", "settings of the garbage collector, in turn", []setting{
		{"carrier's own", nil}, {"GOGC=100", []string{"GOGC=100"}}, {"GOGC=50", []string{"GOGC=50"}}, {"GOGC=25", []string{"GOGC=25"}},
	})
}

// runtimeScenario measures every load with each of settings in turn, so that what disturbs the
// machine for a while disturbs all of them. Processor time is the figure to trust: the relay for
// TLS, the queue and the worker share the machine.
func runtimeScenario(name, says string, settings []setting) scenario {
	return scenario{
		name: name, says: says,
		columns: []column{
			{"rate", "messages/s", 0}, {"cpu", "CPU µs/message", 1}, {"system", "of it system %", 0},
			{"cores", "cores", 2}, {"peak", "peak RSS MiB", 1}, {"anonymous", "anonymous MiB", 1}, {"others", "others' cores", 2},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for _, l := range runtimeLoads() {
				for range b.times(4, 2) {
					for _, s := range settings {
						sample, err := b.measureRuntime(ctx, l, s.env)
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

func (b *bench) measureRuntime(ctx context.Context, l runtimeLoad, env []string) (figures.Sample, error) {
	front, err := newTLSFront(b.data)
	if err != nil {
		return nil, err
	}
	defer front.close()
	defer b.stopAll()
	worker, err := b.tool("worker", "-latency", l.latency)
	if err != nil {
		return nil, err
	}
	queue, err := b.tool("sqsserver", "-latency", "1ms", "-lease", "120s", "-size", strconv.Itoa(l.size))
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, queue, l.fill); err != nil {
		return nil, err
	}
	scheme, queueAt, workerAt := "http", queue.Serve, worker.Serve
	if l.tls {
		scheme = "https"
		if queueAt, err = front.before(queue.Serve); err != nil {
			return nil, err
		}
		if workerAt, err = front.before(worker.Serve); err != nil {
			return nil, err
		}
	}
	subject, err := b.carrierWith(append([]string{
		"CARRIER_SQS_QUEUE_URL=" + scheme + "://" + queueAt + "/000000000000/bench", "SSL_CERT_FILE=" + front.caFile,
		"CARRIER_WEBHOOK_ENDPOINT=" + scheme + "://" + workerAt, "CARRIER_WEBHOOK_CA_FILE=" + front.caFile,
		"CARRIER_CONCURRENCY=" + strconv.Itoa(l.hand),
	}, env...)...)
	if err != nil {
		return nil, err
	}
	s := setup{subject: subject, worker: worker, queue: queue, hand: l.hand}
	if err := s.warm(ctx, l.hand, l.warm); err != nil {
		return nil, err
	}
	return s.window(ctx, l.during)
}
