// Command pubsubserver is the subscription of the benchmark: the part of Pub/Sub's gRPC
// protocol that a consumer uses, on one subscription without order, with ack deadlines
// that are kept honestly, and books that say what became of every message. Beside gRPC
// itself it does as little as it can, for it shares the machine with what is measured.
package main

import (
	"flag"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"

	"carrier/bench/control"
	"carrier/bench/queue"
)

func main() { control.Exit(run()) }

func run() error {
	s := &service{handles: queue.NewHandles(ackIDSize)}
	size := flag.Int("size", 1024, "bytes in a body")
	flag.DurationVar(&s.lease, "lease", 30*time.Second, "ack deadline of the subscription")
	flag.DurationVar(&s.latency, "latency", 0, "time that every call takes")
	flag.Parse()
	s.queue = queue.New(*size, func() int64 { return time.Now().UnixNano() })

	l, err := control.Listen()
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pubsubpb.RegisterSubscriberServer(server, s)
	go func() { _ = server.Serve(l) }()
	return control.Run(l.Addr().String(), control.Panel{
		Stats:  func() any { return s.stats() },
		Orders: s.queue.Orders(),
	})
}
