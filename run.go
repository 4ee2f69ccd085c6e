package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch"
	"carrier/internal/observe/admin"
	"carrier/internal/observe/audit"
	"carrier/internal/observe/metrics"
	"carrier/internal/tune"
	"carrier/receiver"
	"carrier/receiver/builtin"
)

// closeTimeout is how long answers of the admin port that are being written may take at the end.
const closeTimeout = time.Second

// flushTimeout is how long the last log lines may take to be written at the end.
const flushTimeout = time.Second

// run moves messages until a signal, and drains. A second signal ends it at once.
func run(c config.Config, warnings []string, signals <-chan os.Signal, stdout io.Writer) int {
	// A reader of the log that has gone must not end the program.
	signal.Ignore(syscall.SIGPIPE)
	output := audit.NewOutput(stdout)
	defer output.Close(flushTimeout)
	log := audit.NewLogger(output, c.Log.Level, c.Log.Colorized)
	output.OnResume(func(dropped uint64) {
		log.Warn("log lines were dropped: stdout was not read fast enough or refused them", zap.Uint64("dropped", dropped))
	})
	if !c.Receives(config.Ingest) && c.Tune.Processors != config.Off {
		tune.Processors(c.Routes[0].Concurrency)
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	code := make(chan int, 1)
	stop := make(chan os.Signal, 1)
	go func() { code <- exitCode(log, serve(c, log, output, stop)) }()
	select {
	case c := <-code:
		return c
	case s := <-signals:
		stop <- s
	}
	select {
	case c := <-code:
		return c
	case s := <-signals:
		log.Warn("ended at once by a second signal; messages in flight come back when their leases end", zap.String("signal", signalName(s)))
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
		log.Error("the configuration is not usable", zap.Error(faults))
		return exitConfig
	default:
		log.Error("stopped by an error", zap.Error(err))
		return exitFailure
	}
}

// A program is the assembled parts of one run.
type program struct {
	log           *zap.Logger
	audit         *audit.Audit
	metrics       *metrics.Metrics
	readiness     *admin.Readiness
	source        builtin.Assembled
	sourceDamaged failure // set when the receiver reports that its source is damaged
	worker        *worker
	dispatcher    *dispatch.Dispatcher
	collector     *tune.Collector
}

// serve assembles the program and runs it until stop brings a signal, or until it cannot go on.
// Its deferred calls, read backwards, are the shutdown.
func serve(c config.Config, log *zap.Logger, output *audit.Output, stop <-chan os.Signal) error {
	p, err := assemble(c, log, output)
	if err != nil {
		return err
	}
	defer p.worker.close()
	defer p.closeSource()
	running, end := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer end()
	receiving, stopReceiving := context.WithCancel(running)
	defer stopReceiving()
	drain := newDrain(log, func() {
		if p.source.StopAccepting != nil {
			p.source.StopAccepting()
		}
		stopReceiving()
	})
	closeAdmin, err := p.openAdmin(c, drain)
	if err != nil {
		return err
	}
	defer closeAdmin()
	loops.Go(func() { p.worker.watch(running) })
	if c.Stats.Enabled {
		loops.Go(func() { p.audit.RunStats(running, c.Stats.Every, p.dispatcher.InFlight) })
	}
	signalled := make(chan struct{})
	loops.Go(func() { p.awaitEnd(running, stop, signalled, drain, stopReceiving) })
	p.announce(c)
	err = p.dispatcher.Run(receiving)
	drain.finish()
	if err != nil {
		return err
	}
	select {
	case <-p.sourceDamaged.happened:
		return p.sourceDamaged.err
	case <-signalled: // after /drain the program stays up until its signal
		return nil
	}
}

// awaitEnd waits until running ends. Until then it begins the drain at a signal, which it tells of
// by closing signalled, and stops the receiving when the source is damaged.
func (p *program) awaitEnd(running context.Context, stop <-chan os.Signal, signalled chan<- struct{}, drain *drain, stopReceiving func()) {
	damaged := p.sourceDamaged.happened
	for {
		select {
		case s := <-stop:
			close(signalled)
			stop = nil
			drain.start(signalName(s))
		case <-damaged:
			stopReceiving()
			damaged = nil
		case <-running.Done():
			return
		}
	}
}

// signalName is the name of a signal that ends the program.
func signalName(s os.Signal) string {
	switch s {
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGINT:
		return "SIGINT"
	default:
		return s.String()
	}
}

// A failure is an error that happens once and ends the program.
type failure struct {
	once     sync.Once
	happened chan struct{}
	err      error // once it has happened
}

func (f *failure) set(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.happened)
	})
}

// assemble makes the parts. It dials nothing.
func assemble(c config.Config, log *zap.Logger, output *audit.Output) (*program, error) {
	b, r := build(), c.Routes[0]
	p := &program{log: log, readiness: admin.NewReadiness(), collector: tune.Memory()}
	p.audit = audit.New(log, func() []receiver.Fact { return p.source.Facts() })
	p.sourceDamaged.happened = make(chan struct{})
	p.metrics = metrics.New(metrics.Options{
		Receiver: r.Receiver, Concurrency: r.Concurrency, Version: b.version, Commit: b.commit,
		Operations: builtin.Operations(r.Receiver), Duplicates: builtin.Duplicates(r.Receiver),
	})
	sources, err := builtin.New(c, []builtin.Route{{Route: r, Observer: p.metrics, Log: log}}, builtin.Options{
		Answered: p.metrics.IngestRequest, Log: log, Agent: "carrier/" + b.version, TryQueueFile: tryQueueFile,
		OnBroken: p.sourceDamaged.set,
	})
	if err != nil {
		return nil, err
	}
	p.source = sources[0]
	p.metrics.WatchLog(output.Dropped)
	if p.source.Ingest != nil {
		p.metrics.WatchIngest(p.source.Ingest)
	}
	if p.source.DeferralsHeld != nil {
		p.metrics.WatchDeferrals(p.source.DeferralsHeld)
	}
	p.readiness.Set("worker", "not reached yet")
	if p.worker, err = newWorker(r, b.version, p); err != nil {
		return nil, err
	}
	p.dispatcher = dispatch.New(dispatch.Options{
		Receiver: p.source, Transmitter: p.worker.transmitter,
		Concurrency: r.Concurrency, Batch: p.source.Batch, Receivers: p.source.Receives,
		Prefetch: int(r.Prefetch), DrainTimeout: c.DrainTimeout, Observe: p.observe,
	})
	p.metrics.WatchInFlight(p.dispatcher.InFlight)
	return p, nil
}

// observe tells everybody who counts, logs or answers probes.
func (p *program) observe(e dispatch.Event) {
	p.metrics.Observe(e)
	p.readiness.Observe(e)
	p.audit.Observe(e)
	if e.Kind == dispatch.Polled {
		p.collector.Adjust()
	}
}

// workerChanged tells everybody that the worker at endpoint takes messages, or does not and why.
func (p *program) workerChanged(endpoint string, up bool, cause error) {
	reason := ""
	if !up {
		reason = "offline"
	}
	p.metrics.SetWorkerUp(up)
	p.readiness.Set("worker", reason)
	p.audit.Worker(endpoint, up, cause)
}

// openAdmin opens the admin port, unless it is off, and returns what closes it.
func (p *program) openAdmin(c config.Config, drain *drain) (closeAdmin func(), err error) {
	if c.Admin.Address == "" {
		return func() {}, nil
	}
	server, err := admin.Open(context.Background(), admin.Options{
		Address: c.Admin.Address, Token: c.Admin.Token.Reveal(),
		Live:  func() error { return errors.Join(p.dispatcher.Live(), drain.live()) },
		Ready: p.readiness.Reasons, Metrics: p.metrics.Handler(), Drain: drain.request,
		ErrorLog: zap.NewStdLog(p.log.Named("admin")),
	})
	if err != nil {
		return nil, fmt.Errorf("%w (CARRIER_ADMIN_ADDRESS)", err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := errors.Join(server.Close(ctx), <-served); err != nil {
			p.log.Warn("closing the admin port failed", zap.Error(err))
		}
	}, nil
}

func (p *program) closeSource() {
	if err := p.source.Close(); err != nil {
		p.log.Warn("closing the source failed", zap.Error(err))
	}
}

// announce logs what the program was told. What it finds is logged when the source is reached.
func (p *program) announce(c config.Config) {
	b := build()
	p.log.Info("starting", zap.String("version", b.version), zap.String("receiver", c.Routes[0].Receiver),
		zap.Int("concurrency", c.Routes[0].Concurrency), zap.Stringer("endpoint", p.worker.endpoint),
		zap.String("admin", c.Admin.Address))
}
