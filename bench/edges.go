package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"carrier/bench/figures"
)

// idle measures carrier with nothing to do: an empty queue, one long poll after another.
// It is measured from three seconds after the first receive. The kernel's clock of the
// process counts nanoseconds, so that a few wake-ups show.
func idle() scenario {
	return scenario{
		name: "idle", quick: true, says: "an empty queue, long polls of 20 s, 10 in hand; nothing has ever been delivered",
		columns: []column{
			{"cpu_minute", "CPU ms/minute", 2}, {"anonymous", "anonymous MiB", 2},
			{"resident", "resident MiB", 1}, {"peak", "peak RSS MiB", 1},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			s, err := b.measureIdle(ctx, b.span(30*time.Second, 8*time.Second))
			if err == nil {
				r.Add(carrier, s)
			}
			return err
		},
	}
}

func (b *bench) measureIdle(ctx context.Context, during time.Duration) (figures.Sample, error) {
	defer b.stopAll()
	s, err := b.between(nil, nil, 10)
	if err != nil {
		return nil, err
	}
	if _, err := s.firstReceive(ctx); err != nil {
		return nil, err
	}
	if err := wait(ctx, 3*time.Second); err != nil {
		return nil, err
	}
	before, err := s.subject.CPU()
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, during); err != nil {
		return nil, err
	}
	after, err := s.subject.CPU()
	if err != nil {
		return nil, err
	}
	m, err := s.subject.Memory()
	return figures.Sample{
		"cpu_minute": milli(after-before) * float64(time.Minute) / float64(during),
		"anonymous":  mebi(m.Anonymous), "resident": mebi(m.Resident), "peak": mebi(m.Peak),
	}, err
}

// firstReceive waits for the first receive and returns when it came in.
func (s setup) firstReceive(ctx context.Context) (at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err = until(ctx, 5*time.Millisecond, func() (bool, error) {
		var q queueStats
		err := s.queue.Ask(ctx, &q)
		at = time.Unix(0, q.FirstReceive)
		return q.FirstReceive > 0, err
	})
	return at, err
}

// startup measures from the moment before the process is made to the moment its first
// receive has arrived. The program is in the page cache, except perhaps the first time.
func startup() scenario {
	return scenario{
		name: "start", quick: true, says: "from starting the process to its first receive at the queue",
		columns: []column{{"start", "ms", 1}, {"start_cpu", "CPU ms", 1}},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.times(11, 5) {
				s, err := b.measureStart(ctx)
				if err != nil {
					return err
				}
				r.Add(carrier, s)
			}
			return nil
		},
	}
}

func (b *bench) measureStart(ctx context.Context) (figures.Sample, error) {
	defer b.stopAll()
	worker, err := b.tool("worker")
	if err != nil {
		return nil, err
	}
	queue, err := b.tool("sqsserver")
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	subject, err := b.carrierSQS(queue, worker, 10)
	if err != nil {
		return nil, err
	}
	s := setup{subject: subject, worker: worker, queue: queue}
	at, err := s.firstReceive(ctx)
	if err != nil {
		return nil, err
	}
	cpu, err := subject.CPU()
	return figures.Sample{"start": milli(at.Sub(begun)), "start_cpu": milli(cpu)}, err
}

// large measures memory: a thousand messages of 1 MiB in the worker's hands at once, all
// of which carrier must hold. The worker takes three seconds, so that all places fill.
// Where carrier cannot receive that fast the places do not fill; "most in hand" says what
// was reached by the worker's count, and the bytes in hand are reckoned from that.
func large() scenario {
	const mebibyte = 1 << 20
	return scenario{
		name: "large", says: "1000 in hand with bodies of 1 MiB; worker takes 3 s",
		columns: []column{
			{"rate", "messages/s", 0}, {"most", "most in hand", 0}, {"peak", "peak RSS MiB", 0},
			{"per_byte", "peak / bytes in hand", 2}, {"cpu", "CPU µs/message", 0},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			defer b.stopAll()
			worker := append([]string{"-latency", "3s"}, size(mebibyte)...)
			queue := append([]string{"-latency", "1ms", "-lease", "120s"}, size(mebibyte)...)
			s, err := b.between(worker, queue, 1000)
			if err != nil {
				return err
			}
			if err := fill(ctx, s.queue, 8000); err != nil {
				return err
			}
			if err := s.warm(ctx, 100, 4*time.Second); err != nil {
				return err
			}
			sample, err := s.window(ctx, 8*time.Second)
			if err != nil {
				return err
			}
			var w workerStats
			err = s.worker.Ask(ctx, &w)
			sample["most"] = float64(w.MaxInHand)
			sample["per_byte"] = sample["peak"] / max(1, float64(w.MaxInHand))
			r.Add(carrier, sample)
			return err
		},
	}
}

// stopping measures SIGTERM at random moments under load, and then what a second carrier
// makes of the rest: nothing cut off, nothing left in flight when the process has ended,
// every message accepted once and deleted in the end.
func stopping() scenario {
	return scenario{
		name: "sigterm", quick: true, says: "SIGTERM under load, 40 in hand, worker takes 20 ms; then a second carrier takes the rest",
		columns: []column{
			{"code", "exit code", 0}, {"cut_off", "POSTs cut off", 0}, {"limbo", "in limbo at the end", 0},
			{"given_back", "given back", 0}, {"lost", "lost", 0}, {"duplicates", "duplicates", 0}, {"drain", "ms to drain", 0},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // moments, no secrets
			for range b.times(10, 3) {
				s, err := b.measureStop(ctx, 500*time.Millisecond+time.Duration(random.Int64N(int64(500*time.Millisecond))))
				if err != nil {
					return err
				}
				r.Add(carrier, s)
			}
			return nil
		},
	}
}

func (b *bench) measureStop(ctx context.Context, after time.Duration) (figures.Sample, error) {
	defer b.stopAll()
	const n = 3000
	s, err := b.between([]string{"-latency", "20ms"}, []string{"-latency", "1ms"}, 40)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, s.queue, n); err != nil {
		return nil, err
	}
	if err := s.warm(ctx, 40, after); err != nil {
		return nil, err
	}
	signalled := time.Now()
	if err := s.subject.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	select {
	case <-s.subject.Done():
	case <-time.After(30 * time.Second):
		return nil, fmt.Errorf("still there 30 s after SIGTERM")
	}
	drain := time.Since(signalled)
	code := s.subject.ExitCode()
	var q queueStats
	if err := s.queue.Ask(ctx, &q); err != nil {
		return nil, err
	}
	if s.subject, err = b.carrierSQS(s.queue, s.worker, 40); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	_ = drained(limited, s.queue, n)
	sample, err := s.books(ctx, n, 0)
	if err != nil {
		return nil, err
	}
	sample["code"], sample["drain"] = float64(code), milli(drain)
	sample["limbo"], sample["given_back"] = float64(q.InFlight), float64(q.GivenBack)
	return sample, nil
}
