package main

import (
	"context"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/report"
	"carrier/bench/stores"
)

// storesProducers is how many producers there are.
const storesProducers = 64

// inFrontOfQueue measures how fast messages are taken that go to a queue: before they are
// acknowledged (CARRIER_INGEST_STORE=queue and queue+file), or out of the file
// (CARRIER_TRANSMITTER=forward). The yardstick is the engine's own client alone, which publishes as
// many messages at once to the same server, in the same run. No producer over HTTP comes near it on
// the loopback interface, where a request costs more than a message: the measure of the door is the
// same client behind a bare server on net/http, which does nothing but read a body, publish it and
// answer. On SQS there is a second one, ten messages a call, which no producer that waits for one
// message can make: it says what a call costs.
func inFrontOfQueue(engine string, latency time.Duration) scenario {
	s := scenario{
		name: "stores-" + engine, quick: latency == time.Millisecond,
		says: strconv.Itoa(storesProducers) + " producers, bodies of 1 KiB",
		columns: []report.Column{
			col("acks", "acknowledged/s", 0), col("acks/engine", "/ the engine's client", 2), col("acks/server", "/ the client behind net/http", 2), col("acks/ten", "/ ten a call", 2),
			col("ack_p50", "ack p50 ms", 2), col("ack_p99", "ack p99 ms", 2), col("cpu", "CPU µs/message", 1), col("producers", "producers' CPU", 1), col("queue_cpu", "queue's CPU", 1),
			col("per_call", "messages/call", 1), col("forwarded", "in the queue/s", 0), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			turn := stores.Turn{
				Bench: b.Bench, Engine: engine, Latency: latency, Producers: storesProducers, Size: bodySize,
				InFile: func() (figures.Sample, error) {
					return b.measureIngest(ctx, storesProducers, false, b.Span(3*time.Second, 2*time.Second))
				},
			}
			for range b.Times(2, 1) {
				if err := turn.Run(ctx, r); err != nil {
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
