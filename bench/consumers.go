package main

import (
	"context"
	"strconv"
	"time"

	"carrier/bench/control"
	"carrier/bench/figures"
	"carrier/bench/report"
)

// consumers measures workers that ask for messages, beside one that is posted to.
//
// What could mislead: the clients are written with net/http, encoding/json and a WebSocket library,
// and share the machine's cores with carrier. The benchmark's own worker, which costs next to nothing,
// would leave a webhook more of them, and what carrier has to itself it uses better: fewer wake-ups for
// each message. So the webhook that consumers are compared with has a worker on net/http; the other one
// stands beside it. A rate is what all of them need together.
func consumers() scenario {
	const clients, batch = 16, 10 // enough that nobody's waiting bounds the rate
	return scenario{
		name: "consumers", quick: true, says: "a webhook, to the benchmark's worker and to one on net/http; sixteen clients in Go that each pull ten messages and settle them; and sixteen streams with a credit of ten: 160 in flight, each message is done immediately",
		columns: []report.Column{
			col("rate", "messages/s", 0), col("cpu", "CPU µs/message", 1), col("cpu/webhook", "CPU / net/http's worker", 2), col("rate/webhook", "rate / the same", 2), col("cpu/cheap", "CPU / the cheap worker's", 2),
			col("others", "others' cores", 2), col("worker_cpu", "worker's µs", 1), col("calls", "SQS calls/message", 2), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			t := trial{inFlight: clients * batch, warm: b.Span(time.Second, 700*time.Millisecond), during: b.Span(3*time.Second, 1500*time.Millisecond), fill: 160_000}
			for range b.Times(3, 2) {
				cheap, err := b.measureCarrier(ctx, t)
				if err != nil {
					return err
				}
				usual := t
				usual.worker = []string{"-net-http"}
				webhook, err := b.measureCarrier(ctx, usual)
				if err != nil {
					return err
				}
				r.Add(report.Carrier, cheap)
				r.Add(report.Usual, webhook)
				for _, c := range []struct{ subject, how string }{{report.Pull, "pull"}, {report.Stream, "stream"}} {
					address, err := control.FreeAddress()
					if err != nil {
						return err
					}
					asking := t
					asking.worker = []string{"-ask", c.how, "-at", address, "-clients", strconv.Itoa(clients), "-batch", strconv.Itoa(batch)}
					s, err := b.measureCarrier(ctx, asking, "CARRIER_TRANSMITTER="+c.how, "CARRIER_WORKER_ADDRESS="+address)
					if err != nil {
						return err
					}
					s["cpu/webhook"], s["rate/webhook"] = s["cpu"]/webhook["cpu"], s["rate"]/webhook["rate"]
					s["cpu/cheap"] = s["cpu"] / cheap["cpu"]
					r.Add(c.subject, s)
				}
			}
			return nil
		},
	}
}
