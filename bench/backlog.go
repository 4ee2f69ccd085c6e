package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

const (
	backlogSize = 1_000_000
	backlogBody = 128
	// backlogLimit is how long filling may take: on a slow disk the backlog stays
	// smaller, and the report says how large it was.
	backlogLimit = 150 * time.Second
)

// backlog measures whether a queue gets dearer as it fills: 64 producers and no worker,
// until a million messages of 128 bytes are stored; then how long carrier takes to start
// on that, until it acknowledges a message and until it has delivered one. Rates are of
// each 50,000 messages; "rate / rate when empty" divides the median of the last four by
// the median of the first four. Bodies are small so that this is about their number.
func backlog() scenario {
	return scenario{
		name: "backlog", says: "64 producers, no worker, up to a million messages of 128 bytes, then a start on them",
		columns: []report.Column{
			col("stored", "messages stored", 0), col("acks", "acknowledged/s", 0), col("cpu", "CPU µs/message", 1),
			col("full", "rate / rate when empty", 2), col("accepts", "start to first ack s", 2),
			col("delivers", "start to first POST s", 2), col("file", "file MiB", 0), col("peak", "peak RSS MiB", 0),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			defer b.StopAll()
			var s harness.Ingest
			var err error
			if s.Dir, err = b.Scratch(); err != nil {
				return err
			}
			steps, err := b.fillBacklog(ctx, &s)
			if err != nil {
				return err
			}
			last, err := b.startOnBacklog(ctx, &s)
			if err != nil {
				return err
			}
			rates := steps.Values(report.Carrier, "acks")
			last["full"] = figures.Summarize(rates[max(0, len(rates)-4):]).Median / figures.Summarize(rates[:min(4, len(rates))]).Median
			last["stored"] = float64(len(rates) * report.BacklogStep)
			*r = append(*r, steps...)
			r.Add(report.StartedOnIt, last)
			return nil
		},
	}
}

// fillBacklog stores messages and returns the figures of each step.
func (b *bench) fillBacklog(ctx context.Context, s *harness.Ingest) (r figures.Results, err error) {
	if err := b.CarrierIngest(s, "CARRIER_INGEST_MAX_MESSAGES=2000000"); err != nil {
		return nil, err
	}
	if err := b.Produce(ctx, s, 64, backlogBody, backlogSize); err != nil {
		return nil, err
	}
	end := time.Now().Add(backlogLimit)
	before, at, err := s.Acknowledged(ctx)
	if err != nil {
		return nil, err
	}
	used, err := s.Subject.CPU()
	if err != nil {
		return nil, err
	}
	for before.OK < backlogSize && time.Now().Before(end) {
		var now harness.PosterStats
		var when time.Time
		err := harness.Until(ctx, 10*time.Millisecond, func() (bool, error) {
			now, when, err = s.Acknowledged(ctx)
			return now.OK-before.OK >= report.BacklogStep || now.OK >= backlogSize || when.After(end), err
		})
		if err != nil {
			return nil, err
		}
		cpu, err := s.Subject.CPU()
		if err != nil {
			return nil, err
		}
		if now.OK-before.OK >= report.BacklogStep/2 {
			n := float64(now.OK - before.OK)
			m, _ := s.Subject.Memory()
			r.Add(report.Carrier, figures.Sample{
				"acks": n / when.Sub(at).Seconds(), "cpu": harness.Micro(cpu-used) / n, "peak": harness.Mebi(m.Peak),
			})
		}
		before, at, used = now, when, cpu
	}
	if len(r) == 0 {
		return nil, fmt.Errorf("not even %d messages were stored: %+v", report.BacklogStep, before)
	}
	return r, nil
}

// startOnBacklog ends carrier, starts it again with a worker, and waits for the first
// message both ways.
func (b *bench) startOnBacklog(ctx context.Context, s *harness.Ingest) (figures.Sample, error) {
	s.Producers.Stop()
	if err := s.Subject.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	select {
	case <-s.Subject.Done():
	case <-time.After(60 * time.Second):
		return nil, fmt.Errorf("still there a minute after SIGTERM")
	}
	var err error
	if s.Worker, err = b.Tool("worker"); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := b.CarrierIngest(s, "CARRIER_INGEST_MAX_MESSAGES=2000000"); err != nil {
		return nil, err
	}
	if err := harness.Listening(ctx, s.Address); err != nil {
		return nil, err
	}
	if err := b.Produce(ctx, s, 1, backlogBody, 1); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	var w harness.WorkerStats
	var acked time.Time
	err = harness.Until(limited, 5*time.Millisecond, func() (bool, error) {
		p, at, err := s.Acknowledged(limited)
		if acked.IsZero() && p.OK > 0 {
			acked = at
		}
		if err == nil {
			err = s.Worker.Ask(limited, &w)
		}
		return !acked.IsZero() && w.FirstPost > 0, err
	})
	if err != nil {
		return nil, err
	}
	m, err := s.Subject.Memory()
	return figures.Sample{
		"accepts": acked.Sub(begun).Seconds(), "delivers": time.Unix(0, w.FirstPost).Sub(begun).Seconds(),
		"file": harness.Mebi(sizeOf(s.Dir)), "peak": harness.Mebi(m.Peak),
	}, err
}

// sizeOf adds up the blocks of the files in dir.
func sizeOf(dir string) (n int64) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			n += info.Size()
		}
	}
	return n
}
