// Command natsserver is the stream of the benchmark: an embedded NATS server with JetStream, which
// keeps what is published to bench.> in a directory, and syncs it as it does unless it is told
// otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/bench/control"
)

func main() { control.Exit(run()) }

func run() error {
	dir := flag.String("dir", "", "where the stream is kept")
	flag.Parse()
	server, err := natsserver.NewServer(&natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, JetStream: true, StoreDir: *dir, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return err
	}
	server.Start()
	defer server.Shutdown()
	if !server.ReadyForConnections(10 * time.Second) {
		return errors.New("the server does not start")
	}
	conn, err := nats.Connect(server.ClientURL())
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "BENCH", Subjects: []string{"bench.>"}, MaxBytes: 512 << 20, Discard: jetstream.DiscardOld, Duplicates: time.Minute,
	})
	if err != nil {
		return err
	}
	return control.Run(server.Addr().String(), control.Panel{Stats: func() any {
		info, err := stream.Info(context.Background())
		if err != nil {
			return nil
		}
		return map[string]uint64{"put": info.State.LastSeq}
	}})
}
