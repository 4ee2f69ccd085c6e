package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/proc"
	"carrier/bench/report"
)

// storesProducers is how many producers there are.
const storesProducers = 64

// stores measures how fast messages are taken that go to a queue: before they are acknowledged
// (CARRIER_INGEST_STORE=queue and queue+file), or out of the file (CARRIER_TRANSMITTER=forward). The
// yardstick is the engine's own client alone, which publishes as many messages at once to the same
// server, in the same run. On SQS there is a second one, ten messages a call, which no producer that
// waits for one message can make: it says what a call costs.
func stores(engine string, latency time.Duration) scenario {
	s := scenario{
		name: "stores-" + engine, quick: latency == time.Millisecond,
		says: strconv.Itoa(storesProducers) + " producers, bodies of 1 KiB",
		columns: []report.Column{
			col("acks", "acknowledged/s", 0), col("acks/engine", "/ the engine's client", 2), col("acks/ten", "/ ten a call", 2),
			col("ack_p50", "ack p50 ms", 2), col("ack_p99", "ack p99 ms", 2), col("cpu", "CPU µs/message", 1),
			col("per_call", "messages/call", 1), col("forwarded", "in the queue/s", 0), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(2, 1) {
				if err := (storesTurn{b, engine, latency}).run(ctx, r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	if latency > 0 {
		s.name += "-" + latency.String()
		s.says += "; every call takes " + latency.String()
	}
	return s
}

// A storesTurn measures all subjects of stores once.
type storesTurn struct {
	*bench
	engine  string
	latency time.Duration
}

func (t storesTurn) run(ctx context.Context, r *figures.Results) error {
	samples := map[string]figures.Sample{}
	type subject struct {
		name    string
		measure func() (figures.Sample, error)
	}
	door := func(env ...string) func() (figures.Sample, error) {
		return func() (figures.Sample, error) { return t.door(ctx, env...) }
	}
	subjects := []subject{
		{report.Engine, func() (figures.Sample, error) { return t.client(ctx, t.engine, storesProducers, 1) }},
		{report.Door, door("CARRIER_INGEST_STORE=queue")},
		{report.DoorBoth, door("CARRIER_INGEST_STORE=queue+file")},
		{report.Forwards, door("CARRIER_TRANSMITTER=forward")},
		{report.Storing, func() (figures.Sample, error) {
			return t.measureIngest(ctx, storesProducers, false, t.Span(3*time.Second, 2*time.Second))
		}},
	}
	if t.engine == "sqs" {
		subjects = append(subjects, subject{report.Ten, func() (figures.Sample, error) { return t.client(ctx, "sqs-ten", storesProducers/10, 10) }})
	}
	for _, s := range subjects {
		sample, err := s.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		samples[s.name] = sample
		r.Add(s.name, sample)
	}
	for _, name := range []string{report.Door, report.DoorBoth, report.Forwards} {
		samples[name]["acks/engine"] = samples[name]["acks"] / samples[report.Engine]["acks"]
		if ten := samples[report.Ten]; ten != nil {
			samples[name]["acks/ten"] = samples[name]["acks"] / ten["acks"]
		}
	}
	return nil
}

// server starts the queue.
func (t storesTurn) server() (*proc.Process, error) {
	if t.engine == "sqs" {
		return t.Tool("sqsserver", "-latency", t.latency.String())
	}
	dir, err := t.Scratch()
	if err != nil {
		return nil, err
	}
	return t.Tool("natsserver", "-dir", dir)
}

// client measures a client that publishes by itself, so many messages a call.
func (t storesTurn) client(ctx context.Context, kind string, clients, perCall int) (figures.Sample, error) {
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

// door measures carrier in front of the queue.
func (t storesTurn) door(ctx context.Context, env ...string) (figures.Sample, error) {
	defer t.StopAll()
	var s harness.Ingest
	var err error
	if s.Queue, err = t.server(); err != nil {
		return nil, err
	}
	if s.Dir, err = t.Scratch(); err != nil {
		return nil, err
	}
	env = append(env, "CARRIER_FORWARD_TO="+t.engine, "CARRIER_CONCURRENCY="+strconv.Itoa(storesProducers),
		"CARRIER_FORWARD_SQS_QUEUE_URL=http://"+s.Queue.Serve+"/000000000000/bench",
		"CARRIER_FORWARD_NATS_URL=nats://"+s.Queue.Serve, "CARRIER_FORWARD_NATS_SUBJECT=bench.x")
	if err := t.CarrierIngest(&s, env...); err != nil {
		return nil, err
	}
	if err := t.Produce(ctx, &s, storesProducers, bodySize, 0); err != nil {
		return nil, err
	}
	return t.publishing(ctx, &s)
}

// publishing measures acknowledgements, and what the queue was given meanwhile.
func (t storesTurn) publishing(ctx context.Context, s *harness.Ingest) (figures.Sample, error) {
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
