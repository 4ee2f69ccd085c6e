package main

import (
	"context"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// pubsub is the scenario offered over Pub/Sub.
func pubsub() scenario {
	s := offer("", func(b *bench) harness.Connect { return b.PubSub })
	s.name = "pubsub"
	s.says = "a Pub/Sub subscription: 500 messages/s offered at random moments, calls take 10 ms, worker takes 5 ms, 40 in flight"
	return s
}

// pubsubSlow measures how many messages are leased to carrier that no slot can take: the
// leases of the subscription, less the slots and what was accepted and is not yet
// acknowledged. They are read a hundred times, first here and then at the worker, so
// that a single reading may be a few too high.
func pubsubSlow() scenario {
	return scenario{
		name: "pubsub-slow", says: "a Pub/Sub subscription with a backlog, calls take 10 ms, worker takes 1 s, 40 in flight",
		columns: []report.Column{
			col("rate", "messages/s", 0), col("beyond", "leased beyond the slots", 0), col("beyond_most", "at most", 0),
			col("most", "most in the worker", 0), col("duplicates", "duplicates", 0),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			s, err := b.measureBeyond(ctx)
			if err == nil {
				r.Add(report.Carrier, s)
			}
			return err
		},
	}
}

func (b *bench) measureBeyond(ctx context.Context) (figures.Sample, error) {
	defer b.StopAll()
	const inFlight = 40
	s, err := b.PubSub([]string{"-latency", "1s"}, []string{"-latency", callTime.String()}, inFlight)
	if err != nil {
		return nil, err
	}
	if err := harness.Fill(ctx, s.Queue, 5000); err != nil {
		return nil, err
	}
	if err := s.Warm(ctx, inFlight, 2*time.Second); err != nil {
		return nil, err
	}
	var beyond []float64
	start, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	end := start
	for range 100 {
		if err := harness.Wait(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		if end, err = s.Read(ctx); err != nil {
			return nil, err
		}
		settling := end.Worker.Accepted - end.Queue.Deleted
		beyond = append(beyond, float64(max(0, end.Queue.InFlight-settling-inFlight)))
	}
	sum := figures.Summarize(beyond)
	return figures.Sample{
		"rate":   float64(end.Worker.Accepted-start.Worker.Accepted) / end.At.Sub(start.At).Seconds(),
		"beyond": sum.Median, "beyond_most": sum.Max,
		"most": float64(end.Worker.MostInFlight), "duplicates": float64(end.Worker.Duplicates),
	}, nil
}
