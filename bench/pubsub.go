package main

import (
	"context"
	"strconv"
	"time"

	"carrier/bench/figures"
)

// pubsub is the scenario offered over Pub/Sub.
func pubsub() scenario {
	return scenario{
		name: "pubsub",
		says: "a Pub/Sub subscription: 500 messages/s offered at random moments, calls take 10 ms, worker takes 5 ms, 40 in hand",
		columns: []column{
			{"rate", "messages/s", 0}, {"p50", "p50 ms to the POST", 2}, {"p99", "p99 ms", 2},
			{"wait", "p99 / call time", 2}, {"calls", "calls/message", 2},
			{"cpu", "CPU µs/message", 1}, {"call", "measured call ms", 2}, {"others", "others' cores", 2}, {"peak", "peak RSS MiB", 1},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.times(3, 1) {
				s, err := b.measureOffer(ctx, b.betweenPubSub)
				if err != nil {
					return err
				}
				r.Add(carrier, s)
			}
			return nil
		},
	}
}

// pubsubSlow measures how many messages are leased to carrier that no slot can take: the
// leases of the subscription, less the slots and what was accepted and is not yet
// acknowledged. They are read a hundred times, first here and then at the worker, so
// that a single reading may be a few too high.
func pubsubSlow() scenario {
	return scenario{
		name: "pubsub-slow", says: "a Pub/Sub subscription with a backlog, calls take 10 ms, worker takes 1 s, 40 in hand",
		columns: []column{
			{"rate", "messages/s", 0}, {"beyond", "leased beyond the slots", 0}, {"beyond_most", "at most", 0},
			{"most", "most in the worker's hands", 0}, {"duplicates", "duplicates", 0},
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			s, err := b.measureBeyond(ctx)
			if err == nil {
				r.Add(carrier, s)
			}
			return err
		},
	}
}

func (b *bench) measureBeyond(ctx context.Context) (figures.Sample, error) {
	defer b.stopAll()
	const hand = 40
	s, err := b.betweenPubSub([]string{"-latency", "1s"}, []string{"-latency", callTime.String()}, hand)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, s.queue, 5000); err != nil {
		return nil, err
	}
	if err := s.warm(ctx, hand, 2*time.Second); err != nil {
		return nil, err
	}
	var beyond []float64
	start, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	end := start
	for range 100 {
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		if end, err = s.read(ctx); err != nil {
			return nil, err
		}
		settling := end.worker.Accepted - end.queue.Deleted
		beyond = append(beyond, float64(max(0, end.queue.InFlight-settling-hand)))
	}
	sum := figures.Summarize(beyond)
	return figures.Sample{
		"rate":   float64(end.worker.Accepted-start.worker.Accepted) / end.at.Sub(start.at).Seconds(),
		"beyond": sum.Median, "beyond_most": sum.Max,
		"most": float64(end.worker.MaxInHand), "duplicates": float64(end.worker.Duplicates),
	}, nil
}

// betweenPubSub is the joining over Pub/Sub.
func (b *bench) betweenPubSub(worker, queue []string, hand int) (s setup, err error) {
	if s.worker, err = b.tool("worker", worker...); err != nil {
		return s, err
	}
	if s.queue, err = b.tool("pubsubserver", queue...); err != nil {
		return s, err
	}
	s.hand = hand
	s.subject, err = b.carrierWith(
		"CARRIER_PUBSUB_SUBSCRIPTION=projects/bench/subscriptions/bench",
		"CARRIER_PUBSUB_ENDPOINT="+s.queue.Serve,
		"CARRIER_WEBHOOK_ENDPOINT=http://"+s.worker.Serve,
		"CARRIER_CONCURRENCY="+strconv.Itoa(hand),
	)
	return s, err
}
