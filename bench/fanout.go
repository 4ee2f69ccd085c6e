package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// fanoutStore measures what it costs to store a message for many subscriptions: in carrier's queue
// file, without HTTP, which would hide much of it. The body is stored once.
func fanoutStore() scenario {
	return scenario{
		name: "fanout-store", quick: true,
		says: "64 producers store messages of 1 KiB in the queue file, each for 1, 5, 20 or 60 subscriptions; no HTTP, nothing is delivered",
		columns: []report.Column{
			col("rate", "stored/s", 0), col("cpu", "CPU µs/message", 1), col("cpu/one", "/ one subscription's", 2), col("rate/one", "rate / one's", 2),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(3, 1) {
				var one figures.Sample
				for _, n := range []int{1, 5, 20, 60} {
					s, err := b.measureFanout(ctx, "-what", "store", "-subscriptions", strconv.Itoa(n), "-for", b.Span(4*time.Second, time.Second).String())
					if err != nil {
						return err
					}
					if n == 1 {
						one = s
					}
					s["cpu/one"], s["rate/one"] = s["cpu"]/one["cpu"], s["rate"]/one["rate"]
					r.Add(report.Subscriptions(n), s)
				}
			}
			return nil
		},
	}
}

// fanoutDead measures whether a subscription that takes nothing slows others down: four get and
// remove all messages, with and without a fifth one that has all of them waiting.
func fanoutDead() scenario {
	return scenario{
		name: "fanout-dead", quick: true,
		says: "64 producers store messages of 128 bytes in the queue file and four subscriptions take all of them, by themselves and beside one that takes none and has a backlog (a million; 50,000 in the smaller run)",
		columns: []report.Column{
			col("rate", "delivered to each/s", 0), col("rate/alone", "/ without the dead one", 2), col("cpu", "CPU µs/message", 1),
			col("cpu/alone", "/ without the dead one's", 2), col("backlog", "backlog of the dead one", 0), col("file", "file MiB", 0),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			backlog := strconv.Itoa(b.Times(1_000_000, 50_000))
			for range b.Times(2, 1) {
				var alone figures.Sample
				for _, dead := range []bool{false, true} {
					args := []string{"-what", "deliver", "-size", "128", "-subscriptions", "4", "-for", b.Span(8*time.Second, 2*time.Second).String()}
					name := report.FourSubscriptions
					if dead {
						args, name = append(args, "-dead", "-backlog", backlog), report.FourAndADeadOne
					}
					s, err := b.measureFanout(ctx, args...)
					if err != nil {
						return err
					}
					if !dead {
						alone = s
					}
					s["rate/alone"], s["cpu/alone"] = s["rate"]/alone["rate"], s["cpu"]/alone["cpu"]
					r.Add(name, s)
				}
			}
			return nil
		},
	}
}

// measureFanout runs the program fanout.
func (b *bench) measureFanout(ctx context.Context, args ...string) (figures.Sample, error) {
	dir, err := b.Scratch()
	if err != nil {
		return nil, err
	}
	out, err := b.OnDisk(ctx, "fanout", append([]string{"-dir", dir}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("fanout: %w", err)
	}
	var f struct {
		Rate    float64
		CPU     time.Duration
		Backlog int
		File    int64
	}
	if err := json.Unmarshal(out, &f); err != nil {
		return nil, err
	}
	return figures.Sample{
		"rate": f.Rate, "cpu": harness.Micro(f.CPU), "backlog": float64(f.Backlog), "file": harness.Mebi(f.File),
	}, nil
}
