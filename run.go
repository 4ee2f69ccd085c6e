package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch"
	"carrier/internal/observe/admin"
	"carrier/internal/observe/audit"
	"carrier/internal/observe/metrics"
	"carrier/internal/tune"
	"carrier/receiver/builtin"
)

// closeTimeout is how long answers under way at the admin port may take at the end.
const closeTimeout = time.Second

// run moves messages until a signal, and drains. A second signal ends it at once.
func run(c config.Config, warnings []string, signals <-chan os.Signal, stdout io.Writer) int {
	log := audit.NewLogger(stdout, c.Log.Level, c.Log.Colorized)
	defer func() { _ = log.Sync() }()
	if c.Receiver != config.Ingest && c.Tune.Processors != config.Off {
		tune.Processors(c.Concurrency)
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	code := make(chan int, 1)
	stop := make(chan struct{})
	go func() { code <- exitCode(log, serve(c, log, stop)) }()
	select {
	case c := <-code:
		return c
	case s := <-signals:
		log.Info("stopping", zap.Stringer("signal", s))
		close(stop)
	}
	select {
	case c := <-code:
		return c
	case s := <-signals:
		log.Warn("stopped at once by a second signal; what was in hand comes back when its lease ends", zap.Stringer("signal", s))
		return exitFailure
	}
}

// exitCode logs how serve ended and says what that means to the caller.
func exitCode(log *zap.Logger, err error) int {
	var faults config.Faults
	switch {
	case err == nil:
		log.Info("stopped")
		return exitOK
	case errors.As(err, &faults):
		log.Error("the configuration cannot be carried out", zap.Error(faults))
		return exitConfig
	default:
		log.Error("ended by a failure", zap.Error(err))
		return exitFailure
	}
}

// A program is the assembled parts of one run.
type program struct {
	log        *zap.Logger
	audit      *audit.Audit
	metrics    *metrics.Metrics
	readiness  *admin.Readiness
	source     builtin.Built
	worker     *worker
	dispatcher *dispatch.Dispatcher
}

// serve assembles the program and runs it until stop is closed, or until it cannot
// go on. Its deferred calls, read backwards, are the shutdown.
func serve(c config.Config, log *zap.Logger, stop <-chan struct{}) error {
	p, err := assemble(c, log)
	if err != nil {
		return err
	}
	defer p.worker.close()
	defer p.closeSource()

	running, end := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer end()

	receiving, drain := context.WithCancel(running)
	defer drain()
	drained := make(chan struct{})
	begin := func() {
		if p.source.StopAccepting != nil {
			p.source.StopAccepting()
		}
		drain()
	}
	closeAdmin, err := p.openAdmin(c, func(ctx context.Context) error {
		begin()
		select {
		case <-drained:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return err
	}
	defer closeAdmin()

	loops.Go(func() { p.worker.watch(running) })
	if c.Stats.Enabled {
		loops.Go(func() { p.audit.RunStats(running, c.Stats.Every, p.dispatcher.InFlight) })
	}
	loops.Go(func() {
		select {
		case <-stop:
			begin()
		case <-running.Done():
		}
	})
	p.announce(c)
	err = p.dispatcher.Run(receiving)
	close(drained)
	if err != nil {
		return err
	}
	<-stop // after /drain the program stays up until its signal
	return nil
}

// assemble makes the parts. It dials nothing.
func assemble(c config.Config, log *zap.Logger) (*program, error) {
	b := build()
	p := &program{log: log, audit: audit.New(log), readiness: admin.NewReadiness()}
	p.metrics = metrics.New(metrics.Options{
		Receiver: c.Receiver, Concurrency: c.Concurrency, Version: b.version, Commit: b.commit,
		Operations: builtin.Operations(c.Receiver), Duplicates: builtin.Duplicates(c.Receiver),
	})
	var err error
	p.source, err = builtin.New(c, builtin.Options{
		Observer: p.metrics, Answered: p.metrics.IngestRequest, Log: log, Agent: "carrier/" + b.version,
	})
	if err != nil {
		return nil, err
	}
	if p.source.QueueMessages != nil {
		p.metrics.WatchQueue(metrics.Queue{
			Messages: p.source.QueueMessages, Bytes: p.source.QueueBytes,
			MaxMessages: int64(c.Ingest.MaxMessages), MaxBytes: int64(c.Ingest.MaxBytes),
		})
	}
	if p.source.DeferralsHeld != nil {
		p.metrics.WatchDeferrals(p.source.DeferralsHeld)
	}
	if p.worker, err = newWorker(c, b.version, p); err != nil {
		return nil, err
	}
	p.dispatcher = dispatch.New(dispatch.Options{
		Receiver: p.source, Transmitter: p.worker.transmitter,
		Concurrency: c.Concurrency, Batch: p.source.Batch, Receivers: p.source.Receives,
		Prefetch: int(c.Prefetch), DrainTimeout: c.DrainTimeout, Observe: p.observe,
	})
	p.metrics.WatchInFlight(p.dispatcher.InFlight)
	return p, nil
}

// observe tells everybody who counts, logs or answers probes.
func (p *program) observe(e dispatch.Event) {
	p.metrics.Observe(e)
	p.readiness.Observe(e)
	p.audit.Observe(e)
}

// openAdmin opens the admin port, unless it is off, and returns what closes it.
func (p *program) openAdmin(c config.Config, drain func(context.Context) error) (closeAdmin func(), err error) {
	if c.Admin.Address == "" {
		return func() {}, nil
	}
	server, err := admin.Open(context.Background(), admin.Options{
		Address: c.Admin.Address, Token: c.Admin.Token.Reveal(),
		Live: p.dispatcher.Live, Ready: p.readiness.Reasons, Metrics: p.metrics.Handler(), Drain: drain,
		ErrorLog: zap.NewStdLog(p.log.Named("admin")),
	})
	if err != nil {
		return nil, fmt.Errorf("open the admin port: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := errors.Join(server.Close(ctx), <-served); err != nil {
			p.log.Warn("close the admin port", zap.Error(err))
		}
	}, nil
}

func (p *program) closeSource() {
	if err := p.source.Close(); err != nil {
		p.log.Warn("close the source", zap.Error(err))
	}
}

// announce is the first line an operator looks for.
func (p *program) announce(c config.Config) {
	b := build()
	p.log.Info("starting", zap.String("version", b.version), zap.String("receiver", c.Receiver),
		zap.Int("concurrency", c.Concurrency), zap.Stringer("endpoint", p.worker.endpoint),
		zap.String("admin", c.Admin.Address))
}
