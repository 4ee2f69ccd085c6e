package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"carrier/bench/figures"
)

const (
	backlogSize = 1_000_000
	backlogStep = 50_000
	backlogBody = 128
	// backlogLimit is how long filling may take: on a slow disk the backlog stays
	// smaller, and the report says how large it was.
	backlogLimit = 150 * time.Second

	startedOnIt = "carrier, started on it"
)

// backlog measures whether a queue gets dearer as it fills: 64 producers and no worker,
// until a million messages of 128 bytes are stored; then how long carrier takes to start
// on that, until it acknowledges a message and until it has delivered one. Rates are of
// each 50,000 messages; "rate / rate when empty" divides the median of the last four by
// the median of the first four. Bodies are small so that this is about their number.
func backlog() scenario {
	return scenario{
		name: "backlog", says: "64 producers, no worker, up to a million messages of 128 bytes, then a start on them",
		columns: []column{
			{"stored", "messages stored", 0}, {"acks", "acknowledged/s", 0}, {"cpu", "CPU µs/message", 1},
			{"full", "rate / rate when empty", 2}, {"accepts", "start to first ack s", 2},
			{"delivers", "start to first POST s", 2}, {"file", "file MiB", 0}, {"peak", "peak RSS MiB", 0},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			defer b.stopAll()
			var s ingestSetup
			var err error
			if s.dir, err = b.scratch(); err != nil {
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
			rates := steps.Values(carrier, "acks")
			last["full"] = figures.Summarize(rates[max(0, len(rates)-4):]).Median / figures.Summarize(rates[:min(4, len(rates))]).Median
			last["stored"] = float64(len(rates) * backlogStep)
			*r = append(*r, steps...)
			r.Add(startedOnIt, last)
			return nil
		},
	}
}

// fillBacklog stores messages and returns the figures of each step.
func (b *bench) fillBacklog(ctx context.Context, s *ingestSetup) (r figures.Results, err error) {
	if err := b.ingestCarrier(s, "CARRIER_INGEST_MAX_MESSAGES=2000000"); err != nil {
		return nil, err
	}
	if err := b.produce(ctx, s, 64, backlogBody, backlogSize); err != nil {
		return nil, err
	}
	end := time.Now().Add(backlogLimit)
	before, at, err := s.acknowledged(ctx)
	if err != nil {
		return nil, err
	}
	used, err := s.subject.CPU()
	if err != nil {
		return nil, err
	}
	for before.OK < backlogSize && time.Now().Before(end) {
		var now posterStats
		var when time.Time
		err := until(ctx, 10*time.Millisecond, func() (bool, error) {
			now, when, err = s.acknowledged(ctx)
			return now.OK-before.OK >= backlogStep || now.OK >= backlogSize || when.After(end), err
		})
		if err != nil {
			return nil, err
		}
		cpu, err := s.subject.CPU()
		if err != nil {
			return nil, err
		}
		if now.OK-before.OK >= backlogStep/2 {
			n := float64(now.OK - before.OK)
			m, _ := s.subject.Memory()
			r.Add(carrier, figures.Sample{
				"acks": n / when.Sub(at).Seconds(), "cpu": micro(cpu-used) / n, "peak": mebi(m.Peak),
			})
		}
		before, at, used = now, when, cpu
	}
	if len(r) == 0 {
		return nil, fmt.Errorf("not even %d messages were stored: %+v", backlogStep, before)
	}
	return r, nil
}

// startOnBacklog ends carrier, starts it again with a worker, and waits for the first
// message both ways.
func (b *bench) startOnBacklog(ctx context.Context, s *ingestSetup) (figures.Sample, error) {
	s.producers.Stop()
	if err := s.subject.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	select {
	case <-s.subject.Done():
	case <-time.After(60 * time.Second):
		return nil, fmt.Errorf("still there a minute after SIGTERM")
	}
	var err error
	if s.worker, err = b.tool("worker"); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := b.ingestCarrier(s, "CARRIER_INGEST_MAX_MESSAGES=2000000"); err != nil {
		return nil, err
	}
	if err := listening(ctx, s.address); err != nil {
		return nil, err
	}
	if err := b.produce(ctx, s, 1, backlogBody, 1); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	var w workerStats
	var acked time.Time
	err = until(limited, 5*time.Millisecond, func() (bool, error) {
		p, at, err := s.acknowledged(limited)
		if acked.IsZero() && p.OK > 0 {
			acked = at
		}
		if err == nil {
			err = s.worker.Ask(limited, &w)
		}
		return !acked.IsZero() && w.FirstPost > 0, err
	})
	if err != nil {
		return nil, err
	}
	m, err := s.subject.Memory()
	return figures.Sample{
		"accepts": acked.Sub(begun).Seconds(), "delivers": time.Unix(0, w.FirstPost).Sub(begun).Seconds(),
		"file": mebi(sizeOf(s.dir)), "peak": mebi(m.Peak),
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
