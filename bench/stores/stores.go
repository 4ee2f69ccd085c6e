// Package stores measures producers in front of a queue: carrier, and the client of the queue's engine,
// alone and behind a bare HTTP server.
package stores

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"carrier/bench/behind"
	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/proc"
	"carrier/bench/report"
)

// A Turn measures all subjects once.
type Turn struct {
	*harness.Bench
	// Engine is sqs or nats, and Latency the time that every call to the former takes.
	Engine  string
	Latency time.Duration
	// Producers is how many there are, and Size the bytes of a body.
	Producers, Size int
	// InFile measures carrier whose messages go into its file alone.
	InFile func() (figures.Sample, error)
}

// Run adds the samples to r, and sets carrier's beside those of the engine's client.
func (t Turn) Run(ctx context.Context, r *figures.Results) error {
	samples := map[string]figures.Sample{}
	type subject struct {
		name    string
		measure func() (figures.Sample, error)
	}
	door := func(env ...string) func() (figures.Sample, error) {
		return func() (figures.Sample, error) { return t.door(ctx, env...) }
	}
	subjects := []subject{
		{report.Engine, func() (figures.Sample, error) { return t.client(ctx, t.Engine, t.Producers, 1) }},
		{report.InNet, func() (figures.Sample, error) { return t.bareServer(ctx, behind.NetHTTP) }},
		{report.InServer, func() (figures.Sample, error) { return t.bareServer(ctx, behind.Bare) }},
		{report.Door, door("CARRIER_INGEST_STORE=queue")},
		{report.DoorBoth, door("CARRIER_INGEST_STORE=queue+file")},
		{report.Forwards, door("CARRIER_TRANSMITTER=forward")},
		{report.Storing, t.InFile},
	}
	if t.Engine == "sqs" {
		subjects = append(subjects, subject{report.Ten, func() (figures.Sample, error) { return t.client(ctx, "sqs-ten", t.Producers/10, 10) }})
	}
	for _, s := range subjects {
		sample, err := s.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		samples[s.name] = sample
		r.Add(s.name, sample)
	}
	for _, name := range []string{report.InNet, report.InServer, report.Door, report.DoorBoth, report.Forwards} {
		samples[name]["acks/engine"] = samples[name]["acks"] / samples[report.Engine]["acks"]
		samples[name]["acks/server"] = samples[name]["acks"] / samples[report.InNet]["acks"]
		if ten := samples[report.Ten]; ten != nil {
			samples[name]["acks/ten"] = samples[name]["acks"] / ten["acks"]
		}
	}
	return nil
}

// server starts the queue.
func (t Turn) server() (*proc.Process, error) {
	if t.Engine == "sqs" {
		return t.Tool("sqsserver", "-latency", t.Latency.String())
	}
	dir, err := t.Scratch()
	if err != nil {
		return nil, err
	}
	return t.Tool("natsserver", "-dir", dir)
}

// client measures a client that publishes by itself, so many messages a call.
func (t Turn) client(ctx context.Context, kind string, clients, perCall int) (figures.Sample, error) {
	defer t.StopAll()
	var s harness.Ingest
	var err error
	if s.Queue, err = t.server(); err != nil {
		return nil, err
	}
	if s.Subject, err = t.Tool("poster", "-client", kind, "-address", s.Queue.Serve, "-clients", strconv.Itoa(clients)); err != nil {
		return nil, err
	}
	s.Producers = s.Subject
	sample, err := t.publishing(ctx, &s)
	if err == nil {
		sample["acks"], sample["cpu"] = sample["acks"]*float64(perCall), sample["cpu"]/float64(perCall)
	}
	return sample, err
}

// bareServer measures the same client behind a bare HTTP server, with carrier's producers.
func (t Turn) bareServer(ctx context.Context, server string) (figures.Sample, error) {
	defer t.StopAll()
	var s harness.Ingest
	var err error
	if s.Queue, err = t.server(); err != nil {
		return nil, err
	}
	s.Subject, err = t.Tool("bareserver", "-http", server, "-engine", t.Engine, "-address", s.Queue.Serve, "-clients", strconv.Itoa(t.Producers))
	if err != nil {
		return nil, err
	}
	s.Address = s.Subject.Serve
	if err := t.Produce(ctx, &s, t.Producers, t.Size, 0); err != nil {
		return nil, err
	}
	return t.publishing(ctx, &s)
}

// door measures carrier in front of the queue.
func (t Turn) door(ctx context.Context, env ...string) (figures.Sample, error) {
	defer t.StopAll()
	var s harness.Ingest
	var err error
	if s.Queue, err = t.server(); err != nil {
		return nil, err
	}
	if s.Dir, err = t.Scratch(); err != nil {
		return nil, err
	}
	env = append(env, "CARRIER_FORWARD_TO="+t.Engine, "CARRIER_CONCURRENCY="+strconv.Itoa(t.Producers),
		"CARRIER_FORWARD_SQS_QUEUE_URL=http://"+s.Queue.Serve+"/000000000000/bench",
		"CARRIER_FORWARD_NATS_URL=nats://"+s.Queue.Serve, "CARRIER_FORWARD_NATS_SUBJECT=bench.x")
	if err := t.CarrierIngest(&s, env...); err != nil {
		return nil, err
	}
	if err := t.Produce(ctx, &s, t.Producers, t.Size, 0); err != nil {
		return nil, err
	}
	return t.publishing(ctx, &s)
}

// publishing measures acknowledgements, and what the queue was given meanwhile.
func (t Turn) publishing(ctx context.Context, s *harness.Ingest) (figures.Sample, error) {
	if err := harness.Wait(ctx, time.Second); err != nil {
		return nil, err
	}
	var before, after harness.QueueStats
	if err := s.Queue.Ask(ctx, &before); err != nil {
		return nil, err
	}
	start := time.Now()
	sample, err := s.Measure(ctx, t.Span(3*time.Second, 2*time.Second))
	if err != nil {
		return nil, err
	}
	if err := s.Queue.Ask(ctx, &after); err != nil {
		return nil, err
	}
	sent := float64(after.Sent + after.Put - before.Sent - before.Put)
	sample["forwarded"] = sent / time.Since(start).Seconds()
	if calls := after.Calls["SendMessage"] + after.Calls["SendMessageBatch"] - before.Calls["SendMessage"] - before.Calls["SendMessageBatch"]; calls > 0 {
		sample["per_call"] = sent / float64(calls)
	}
	return sample, nil
}
