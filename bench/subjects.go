package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"carrier/bench/load"
	"carrier/bench/proc"
)

// carrierSQS starts carrier between a queue and a worker.
func (b *bench) carrierSQS(queue, worker *proc.Process, hand int, env ...string) (*proc.Process, error) {
	return b.carrierWith(append(env,
		"CARRIER_SQS_QUEUE_URL=http://"+queue.Serve+"/000000000000/bench",
		"CARRIER_WEBHOOK_ENDPOINT=http://"+worker.Serve,
		"CARRIER_CONCURRENCY="+strconv.Itoa(hand),
	)...)
}

// carrierWith starts carrier with nothing in its environment but what is given, so that
// the machine's own settings play no part.
func (b *bench) carrierWith(env ...string) (*proc.Process, error) {
	path, args := b.onDisk(b.carrier)
	return b.start(proc.Command{
		Path: path, Args: args, Quiet: true, Dir: b.data,
		Env: append([]string{
			"HOME=" + b.data, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
			"CARRIER_ADMIN_ADDRESS=127.0.0.1:0", "CARRIER_LOG_LEVEL=warn",
		}, env...),
	})
}

// ceiling starts a client that only posts, by its name.
func (b *bench) ceiling(ctx context.Context, name string, worker *proc.Process, hand, size int) (*proc.Process, error) {
	clients := strconv.Itoa(hand)
	if name == fastHTTP {
		// A module of its own, and built only where it is asked for: it may have to be fetched.
		build := []string{"build", "-C", "bench/fasthttp", "-o", filepath.Join(b.programs, "fasthttp"), "."}
		if err := b.gobuild(ctx, build); err != nil {
			return nil, err
		}
		return b.tool("fasthttp", "-address", worker.Serve, "-clients", clients, "-body", string(load.Rest(size)))
	}
	return b.tool("poster", "-client", name, "-address", worker.Serve, "-clients", clients, "-size", strconv.Itoa(size))
}

// The subjects, as they are named in tables.
const (
	carrier  = "carrier"
	netHTTP  = "nethttp"
	fastHTTP = "fasthttp"
	bareTCP  = "bare"

	fourReceivers = "carrier, 4 receivers"
)

// fill puts n messages into queue.
func fill(ctx context.Context, queue *proc.Process, n int) error {
	return queue.Order(ctx, "/fill?n="+strconv.Itoa(n))
}

// scratch makes a new directory for one measurement.
func (b *bench) scratch() (string, error) { return os.MkdirTemp(b.data, "dir-") }
