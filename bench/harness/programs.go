package harness

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"carrier/bench/control"
	"carrier/bench/load"
	"carrier/bench/proc"
	"carrier/bench/report"
)

// Tool starts one of the benchmark's own programs.
func (b *Bench) Tool(name string, args ...string) (*proc.Process, error) {
	path := filepath.Join(b.programs, name)
	switch name {
	case "disk":
		path, args = b.onDisk(path, args...)
	case "sqsserver", "worker":
		if b.tlsDir != "" {
			args = append(args, "-tls", b.tlsDir)
		}
	}
	return b.start(proc.Command{Path: path, Args: args})
}

// SlowDisk makes every fdatasync take longer by d, for programs that keep data and are started
// from now on.
func (b *Bench) SlowDisk(d time.Duration) { b.slowSync = d }

// onDisk has a program that keeps data feel slowSync.
func (b *Bench) onDisk(path string, args ...string) (string, []string) {
	if b.slowSync == 0 {
		return path, args
	}
	return filepath.Join(b.programs, "slowdisk"), append([]string{b.slowSync.String(), path}, args...)
}

// OnDisk runs a program that keeps data to its end, and returns what it prints.
func (b *Bench) OnDisk(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, args := b.onDisk(filepath.Join(b.programs, name), args...)
	c := exec.CommandContext(ctx, path, args...) //nolint:gosec // built by us
	c.Stderr = b.Log
	return c.Output()
}

// Carrier starts carrier with nothing in its environment but what is given, so that the
// machine's own settings play no part.
func (b *Bench) Carrier(env ...string) (*proc.Process, error) {
	path, args := b.onDisk(b.options.Carrier)
	return b.start(proc.Command{
		Path: path, Args: args, Quiet: true, Dir: b.Data,
		Env: slices.Concat([]string{
			"HOME=" + b.Data, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
			"CARRIER_ADMIN_ADDRESS=127.0.0.1:0", "CARRIER_LOG_LEVEL=warn",
		}, env, b.options.Env),
	})
}

// WithTLS runs measure. The programs that it starts speak TLS on both sides of carrier, over SQS.
func (b *Bench) WithTLS(measure func() error) error {
	before := b.tlsDir
	defer func() { b.tlsDir = before }()
	if err := b.useTLS(); err != nil {
		return err
	}
	return measure()
}

func (b *Bench) useTLS() (err error) {
	if b.tlsDir, err = b.Scratch(); err != nil {
		return err
	}
	return control.WriteCertificate(b.tlsDir)
}

// CarrierSQS starts carrier between a queue and a worker.
func (b *Bench) CarrierSQS(queue, worker *proc.Process, inFlight int, env ...string) (*proc.Process, error) {
	scheme := "http"
	if b.tlsDir != "" {
		scheme = "https"
		authority := filepath.Join(b.tlsDir, control.CertFile)
		env = append(env, "AWS_CA_BUNDLE="+authority, "CARRIER_WEBHOOK_CA_FILE="+authority)
	}
	return b.Carrier(append(env,
		"CARRIER_SQS_QUEUE_URL="+scheme+"://"+queue.Serve+"/000000000000/bench",
		"CARRIER_WEBHOOK_ENDPOINT="+scheme+"://"+worker.Serve,
		"CARRIER_CONCURRENCY="+strconv.Itoa(inFlight),
	)...)
}

// A Connect starts a queue, a worker, and carrier between them with at most so many messages in
// flight. worker and queue are flags of those programs.
type Connect func(worker, queue []string, inFlight int) (Setup, error)

// SQS is a Connect over SQS.
func (b *Bench) SQS(worker, queue []string, inFlight int) (s Setup, err error) {
	if s, err = b.around("sqsserver", worker, queue, inFlight); err != nil {
		return s, err
	}
	s.Subject, err = b.CarrierSQS(s.Queue, s.Worker, inFlight)
	return s, err
}

// PubSub is a Connect over Pub/Sub.
func (b *Bench) PubSub(worker, queue []string, inFlight int) (s Setup, err error) {
	if s, err = b.around("pubsubserver", worker, queue, inFlight); err != nil {
		return s, err
	}
	s.Subject, err = b.Carrier(
		"CARRIER_PUBSUB_SUBSCRIPTION=projects/bench/subscriptions/bench",
		"CARRIER_PUBSUB_ENDPOINT="+s.Queue.Serve,
		"CARRIER_WEBHOOK_ENDPOINT=http://"+s.Worker.Serve,
		"CARRIER_CONCURRENCY="+strconv.Itoa(inFlight),
	)
	return s, err
}

// around starts what stands on both sides of carrier.
func (b *Bench) around(server string, worker, queue []string, inFlight int) (s Setup, err error) {
	s.InFlight = inFlight
	if s.Worker, err = b.Tool("worker", worker...); err != nil {
		return s, err
	}
	s.Queue, err = b.Tool(server, queue...)
	return s, err
}

// Ceiling starts a client that only posts, by its name as a subject.
func (b *Bench) Ceiling(ctx context.Context, name string, worker *proc.Process, inFlight, size int) (*proc.Process, error) {
	clients := strconv.Itoa(inFlight)
	if name == report.FastHTTP {
		// A module of its own, and built only where it is asked for: it may have to be fetched.
		build := []string{"build", "-C", "bench/fasthttp", "-o", filepath.Join(b.programs, "fasthttp"), "."}
		if err := b.goBuild(ctx, build); err != nil {
			return nil, err
		}
		return b.Tool("fasthttp", "-address", worker.Serve, "-clients", clients, "-body", string(load.Rest(size)))
	}
	return b.Tool("poster", "-client", name, "-address", worker.Serve, "-clients", clients, "-size", strconv.Itoa(size), "-tls", b.tlsDir)
}

// Fill puts n messages into queue.
func Fill(ctx context.Context, queue *proc.Process, n int) error {
	return queue.Order(ctx, "/fill?n="+strconv.Itoa(n))
}

// Drained waits until all n messages of queue are deleted.
func Drained(ctx context.Context, queue *proc.Process, n int) error {
	return Until(ctx, 50*time.Millisecond, func() (bool, error) {
		var q QueueStats
		err := queue.Ask(ctx, &q)
		return q.Deleted == n, err
	})
}
