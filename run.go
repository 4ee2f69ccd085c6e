package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/config/observe"
	"carrier/internal/observe/admin"
	"carrier/internal/observe/audit"
	"carrier/internal/observe/metrics"
	"carrier/internal/observe/page"
	"carrier/internal/observe/trail"
	"carrier/internal/route"
	"carrier/internal/tracing"
	"carrier/internal/tune"
)

// closeTimeout is how long answers of the admin port that are being written may take at the end.
const closeTimeout = time.Second

// flushTimeout is how long the last log lines may take to be written at the end, and before that the
// last spans to be sent.
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
	processors := &tune.Processors{}
	if !c.Receives(config.Ingest) && c.Tune.Processors != config.Off {
		processors = tune.NewProcessors(c.MostInFlight())
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	code := make(chan int, 1)
	stop := make(chan os.Signal, 1)
	go func() { code <- exitCode(log, serve(c, log, output, processors, stop)) }()
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
	var of *route.Error
	if errors.As(err, &of) {
		log, err = log.With(zap.String("route", of.Route)), of.Err
	}
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
	metrics       *metrics.Process
	trail         *trail.Trail
	tracer        *tracing.Tracer // nil where no spans are made
	sourceDamaged failure         // set when a receiver reports that its source is damaged
	routes        *route.Routes
}

// serve assembles the program and runs it until stop brings a signal, or until it cannot go on.
// Its deferred calls, read backwards, are the shutdown.
func serve(c config.Config, log *zap.Logger, output *audit.Output, processors *tune.Processors, stop <-chan os.Signal) error {
	p, err := assemble(c, log, output, processors)
	if err != nil {
		return err
	}
	defer p.trail.Close(flushTimeout)
	defer p.closeTracer()
	defer p.routes.Close()
	running, end := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer end()
	receiving, stopReceiving := context.WithCancel(running)
	defer stopReceiving()
	drain := newDrain(log, func() {
		p.routes.StopAccepting()
		stopReceiving()
	})
	closeWorkerAPI, err := p.openWorkerAPI(c)
	if err != nil {
		return err
	}
	defer closeWorkerAPI()
	closeAdmin, err := p.openAdmin(c, drain)
	if err != nil {
		return err
	}
	defer closeAdmin()
	loops.Go(func() { p.routes.Watch(running) })
	if c.Stats.Enabled {
		loops.Go(func() { p.routes.RunStats(running, c.Stats.Every) })
	}
	signalled := make(chan struct{})
	idle := make(chan struct{})
	if c.ExitWhenIdle > 0 {
		loops.Go(func() {
			if p.routes.AwaitIdle(receiving, c.ExitWhenIdle) {
				close(idle)
			}
		})
	}
	loops.Go(func() { p.awaitEnd(running, ends{stop: stop, idle: idle, done: signalled}, drain, stopReceiving) })
	p.routes.Announce(build().version, c.Admin.Address)
	err = p.routes.Run(receiving, func(err error) { p.routeFailed(err, drain) })
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

// routeFailed drains the routes beside the one that err has ended.
func (p *program) routeFailed(err error, drain *drain) {
	var of *route.Error
	if errors.As(err, &of) {
		p.log.Error("the route cannot go on, the others are drained", zap.String("route", of.Route), zap.Error(of.Err))
		drain.start("route " + of.Route)
	}
}

// ends are what may end the program: a signal, and the end of the work where it is a job. done is
// closed when one of them has.
type ends struct {
	stop <-chan os.Signal
	idle <-chan struct{}
	done chan<- struct{}
}

// awaitEnd waits until running ends. Until then it begins the drain at the first of the ends, and
// stops the receiving when the source is damaged.
func (p *program) awaitEnd(running context.Context, e ends, drain *drain, stopReceiving func()) {
	damaged := p.sourceDamaged.happened
	for {
		select {
		case s := <-e.stop:
			close(e.done)
			e.stop, e.idle = nil, nil
			drain.start(signalName(s))
		case <-e.idle:
			close(e.done)
			e.stop, e.idle = nil, nil
			drain.start("nothing to do (CARRIER_EXIT_WHEN_IDLE)")
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
func assemble(c config.Config, log *zap.Logger, output *audit.Output, processors *tune.Processors) (*program, error) {
	b := build()
	p := &program{log: log, metrics: metrics.NewProcess(b.version, b.commit)}
	p.sourceDamaged.happened = make(chan struct{})
	p.metrics.WatchLog(output.Dropped)
	var err error
	if p.tracer, err = tracing.Open(tracing.Options{Settings: c.OTel, Version: b.version, Log: log}); err != nil {
		return nil, err
	}
	if p.tracer != nil {
		p.metrics.WatchSpans(p.tracer.Counts)
	}
	if p.trail, err = openTrail(c.Audit, log, output); err != nil {
		return nil, err
	}
	p.metrics.WatchAudit(p.trail.Dropped)
	collector := tune.Memory()
	received := func(n int) {
		collector.Adjust(n)
		processors.Adjust(n)
	}
	p.routes, err = route.New(c, route.Options{
		Version: b.version, Log: log, Metrics: p.metrics, Tracer: p.tracer, Trail: p.trail, Received: received,
		OnBroken: p.sourceDamaged.set, TryQueueFile: tryQueueFile,
	})
	if err != nil {
		p.trail.Close(0)
	}
	return p, err
}

// openTrail begins the audit trail.
func openTrail(c observe.Audit, log *zap.Logger, output *audit.Output) (*trail.Trail, error) {
	to := map[string]trail.Where{observe.Off: trail.Nowhere, observe.Stdout: trail.Stdout, observe.File: trail.Files}
	t, err := trail.Open(trail.Options{
		Where: to[c.To], FailuresOnly: c.Only == observe.Failures, Stdout: output,
		Dir: c.Dir, MaxSize: int64(c.MaxSize), MaxFiles: c.MaxFiles, MaxAge: c.MaxAge,
		Failed: func(err error) {
			log.Error("the audit trail cannot be written; its lines are dropped and counted until it can be again", zap.Error(err))
		},
	})
	if err != nil {
		return nil, config.Faults{{Variable: "CARRIER_AUDIT_DIR", Want: "must be a directory that can be written to: " + err.Error()}}
	}
	return t, nil
}

// closeTracer sends the last spans.
func (p *program) closeTracer() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	p.tracer.Close(ctx)
}

// openAdmin opens the admin port, unless it is off, and returns what closes it.
func (p *program) openAdmin(c config.Config, drain *drain) (closeAdmin func(), err error) {
	if c.Admin.Address == "" {
		return func() {}, nil
	}
	readiness := p.routes.Readiness()
	server, err := admin.Open(context.Background(), admin.Options{
		Address: c.Admin.Address, Token: c.Admin.Token.Reveal(),
		API: p.routes.API(build().version), Page: pageOf(c.Admin), Hosts: c.Admin.Hosts,
		Live:  func() error { return errors.Join(p.routes.Live(), drain.live()) },
		Ready: readiness.Reasons, ReadyOf: readiness.Of, Metrics: p.metrics.Handler(), Drain: drain.request,
		ErrorLog: zap.NewStdLog(p.log.Named("admin")),
	})
	if err != nil {
		return nil, fmt.Errorf("%w (CARRIER_ADMIN_ADDRESS)", err)
	}
	return p.served(server, "closing the admin port failed"), nil
}

// openWorkerAPI opens the worker address, where there is one, and returns what closes it.
func (p *program) openWorkerAPI(c config.Config) (closeWorkerAPI func(), err error) {
	if c.Worker.Address == "" {
		return func() {}, nil
	}
	server, err := p.routes.OpenWorkerAPI(context.Background(), c.Worker)
	if err != nil {
		return nil, fmt.Errorf("%w (CARRIER_WORKER_ADDRESS)", err)
	}
	p.metrics.WatchWorkerAPI(server.Counts)
	return p.served(server, "closing the worker address failed"), nil
}

// served has a server serve, and returns what closes it and waits until it is closed. failed is
// what is logged where that goes wrong.
func (p *program) served(server interface {
	Serve() error
	Close(ctx context.Context) error
}, failed string) (closeServer func()) {
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := errors.Join(server.Close(ctx), <-served); err != nil {
			p.log.Warn(failed, zap.Error(err))
		}
	}
}

// pageOf is the page for people, nil where it is off.
func pageOf(c observe.Admin) http.Handler {
	if !c.Page {
		return nil
	}
	return page.Handler()
}
