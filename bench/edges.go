package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// idle measures carrier with nothing to do: an empty queue, one long poll after another.
// It is measured from three seconds after the first receive. The kernel's clock of the
// process counts nanoseconds, so that a few wake-ups show.
func idle() scenario {
	return scenario{
		name: "idle", quick: true, says: "an empty queue, long polls of 20 s, 10 in flight; nothing has ever been delivered",
		columns: []report.Column{
			col("cpu_minute", "CPU ms/minute", 2), col("anonymous", "anonymous MiB", 2),
			col("resident", "resident MiB", 1), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			s, err := b.measureIdle(ctx, b.Span(30*time.Second, 8*time.Second))
			if err == nil {
				r.Add(report.Carrier, s)
			}
			return err
		},
	}
}

// routes is how many routes the scenario routes-64 has beside the case of one.
const routes = 64

// idleRoutes measures what routes cost that have nothing to do: 64 of them, each with a long poll of
// its own, beside one.
func idleRoutes() scenario {
	return scenario{
		name: "routes-64", quick: true, says: "64 routes with nothing to do, each with a long poll of 20 s, beside one such route",
		columns: []report.Column{
			col("cpu_minute", "CPU ms/minute", 2), col("anonymous", "anonymous MiB", 2), col("more", "more than one route, MiB", 2),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			during := b.Span(30*time.Second, 8*time.Second)
			one, err := b.measureIdle(ctx, during, "CARRIER_ROUTES=r0")
			if err != nil {
				return err
			}
			many, err := b.measureIdle(ctx, during, "CARRIER_ROUTES="+routeNames(routes))
			if err != nil {
				return err
			}
			many["more"] = many["anonymous"] - one["anonymous"]
			r.Add(report.OneRoute, one)
			r.Add(report.Carrier, many)
			return nil
		},
	}
}

func routeNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("r%d", i)
	}
	return strings.Join(names, ",")
}

func (b *bench) measureIdle(ctx context.Context, during time.Duration, env ...string) (figures.Sample, error) {
	defer b.StopAll()
	worker, err := b.Tool("worker")
	if err != nil {
		return nil, err
	}
	queue, err := b.Tool("sqsserver")
	if err != nil {
		return nil, err
	}
	subject, err := b.CarrierSQS(queue, worker, 10, env...)
	if err != nil {
		return nil, err
	}
	s := harness.Setup{Subject: subject, Worker: worker, Queue: queue}
	if _, err := s.FirstReceive(ctx); err != nil {
		return nil, err
	}
	if err := harness.Wait(ctx, 3*time.Second); err != nil {
		return nil, err
	}
	before, err := s.Subject.CPU()
	if err != nil {
		return nil, err
	}
	if err := harness.Wait(ctx, during); err != nil {
		return nil, err
	}
	after, err := s.Subject.CPU()
	if err != nil {
		return nil, err
	}
	m, err := s.Subject.Memory()
	return figures.Sample{
		"cpu_minute": harness.Milli(after-before) * float64(time.Minute) / float64(during),
		"anonymous":  harness.Mebi(m.Anonymous), "resident": harness.Mebi(m.Resident), "peak": harness.Mebi(m.Peak),
	}, err
}

// startup measures from the moment before the process is made to the moment its first
// receive has arrived. The program is in the page cache, except perhaps the first time.
func startup() scenario {
	return scenario{
		name: "start", quick: true, says: "from starting the process to its first receive at the queue",
		columns: []report.Column{col("start", "ms", 1), col("start_cpu", "CPU ms", 1)},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(11, 5) {
				s, err := b.measureStart(ctx)
				if err != nil {
					return err
				}
				r.Add(report.Carrier, s)
			}
			return nil
		},
	}
}

func (b *bench) measureStart(ctx context.Context) (figures.Sample, error) {
	defer b.StopAll()
	worker, err := b.Tool("worker")
	if err != nil {
		return nil, err
	}
	queue, err := b.Tool("sqsserver")
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	subject, err := b.CarrierSQS(queue, worker, 10)
	if err != nil {
		return nil, err
	}
	s := harness.Setup{Subject: subject, Worker: worker, Queue: queue}
	at, err := s.FirstReceive(ctx)
	if err != nil {
		return nil, err
	}
	cpu, err := subject.CPU()
	return figures.Sample{"start": harness.Milli(at.Sub(begun)), "start_cpu": harness.Milli(cpu)}, err
}

// large measures memory: a thousand messages of 1 MiB in the worker at the same time, all
// of which carrier must hold. The worker takes three seconds, so that all places fill.
// Where carrier cannot receive that fast the places do not fill; "most in flight" says what
// was reached by the worker's count, and the bytes in flight are computed from that.
func large() scenario {
	const mebibyte = 1 << 20
	return scenario{
		name: "large", says: "1000 in flight with bodies of 1 MiB; worker takes 3 s",
		columns: []report.Column{
			col("rate", "messages/s", 0), col("most", "most in flight", 0), col("peak", "peak RSS MiB", 0),
			col("per_byte", "peak / bytes in flight", 2), col("cpu", "CPU µs/message", 0),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			defer b.StopAll()
			worker := append([]string{"-latency", "3s"}, size(mebibyte)...)
			queue := append([]string{"-latency", "1ms", "-lease", "120s"}, size(mebibyte)...)
			s, err := b.SQS(worker, queue, 1000)
			if err != nil {
				return err
			}
			if err := harness.Fill(ctx, s.Queue, 8000); err != nil {
				return err
			}
			if err := s.Warm(ctx, 100, 4*time.Second); err != nil {
				return err
			}
			sample, err := s.Window(ctx, 8*time.Second)
			if err != nil {
				return err
			}
			var w harness.WorkerStats
			err = s.Worker.Ask(ctx, &w)
			sample["most"] = float64(w.MostInFlight)
			sample["per_byte"] = sample["peak"] / max(1, float64(w.MostInFlight))
			r.Add(report.Carrier, sample)
			return err
		},
	}
}

// stopping measures SIGTERM at random moments under load, and then what a second carrier
// makes of the rest: nothing cut off, nothing left in flight when the process has ended,
// every message accepted once and deleted in the end.
func stopping() scenario {
	return scenario{
		name: "sigterm", quick: true, says: "SIGTERM under load, 40 in flight, worker takes 20 ms; then a second carrier takes the rest",
		columns: []report.Column{
			col("code", "exit code", 0), col("cut_off", "POSTs cut off", 0), col("limbo", "in limbo at the end", 0),
			col("given_back", "given back", 0), col("lost", "lost", 0), col("duplicates", "duplicates", 0), col("drain", "ms to drain", 0),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // moments, no secrets
			for range b.Times(10, 3) {
				s, err := b.measureStop(ctx, 500*time.Millisecond+time.Duration(random.Int64N(int64(500*time.Millisecond))))
				if err != nil {
					return err
				}
				r.Add(report.Carrier, s)
			}
			return nil
		},
	}
}

func (b *bench) measureStop(ctx context.Context, after time.Duration) (figures.Sample, error) {
	defer b.StopAll()
	const n = 3000
	s, err := b.SQS([]string{"-latency", "20ms"}, []string{"-latency", "1ms"}, 40)
	if err != nil {
		return nil, err
	}
	if err := harness.Fill(ctx, s.Queue, n); err != nil {
		return nil, err
	}
	if err := s.Warm(ctx, 40, after); err != nil {
		return nil, err
	}
	signalled := time.Now()
	if err := s.Subject.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	select {
	case <-s.Subject.Done():
	case <-time.After(30 * time.Second):
		return nil, fmt.Errorf("still there 30 s after SIGTERM")
	}
	drain := time.Since(signalled)
	code := s.Subject.ExitCode()
	var q harness.QueueStats
	if err := s.Queue.Ask(ctx, &q); err != nil {
		return nil, err
	}
	if s.Subject, err = b.CarrierSQS(s.Queue, s.Worker, 40); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	_ = harness.Drained(limited, s.Queue, n)
	sample, err := s.Books(ctx, n, 0)
	if err != nil {
		return nil, err
	}
	sample["code"], sample["drain"] = float64(code), harness.Milli(drain)
	sample["limbo"], sample["given_back"] = float64(q.InFlight), float64(q.GivenBack)
	return sample, nil
}
