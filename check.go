package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/receiver"
	"carrier/receiver/builtin"
	"carrier/transmitter/webhook"
)

// checkTimeout is how long the whole preflight may take.
const checkTimeout = 30 * time.Second

// check looks at everything a run depends on, without taking a message, and prints
// one line for each finding. It returns exitFailure where something fails.
func check(c config.Config, warnings []string, stdout io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	findings := []receiver.Finding{receiver.OK.Finding("configuration: receiver " + c.Receiver)}
	for _, w := range warnings {
		findings = append(findings, receiver.Warn.Finding("configuration: "+w))
	}
	source, err := builtin.New(c, builtin.Options{
		Observer: receiver.NoObserver{}, Answered: func(int) {}, Log: zap.NewNop(), Agent: "carrier/" + build().version,
	})
	if err != nil {
		findings = append(findings, receiver.Fail.Finding(err.Error()))
	} else {
		findings = append(findings, source.Check(ctx)...)
		_ = source.Close()
	}
	findings = append(findings, checkWorker(ctx, c))
	code := exitOK
	for _, f := range findings {
		_, _ = fmt.Fprintf(stdout, "%-4s  %s\n", f.Level, f.Text)
		if f.Level == receiver.Fail {
			code = exitFailure
		}
	}
	return code
}

// checkWorker asks the worker's health endpoint, or, without one, whether it
// accepts connections.
func checkWorker(ctx context.Context, c config.Config) receiver.Finding {
	fail := func(err error) receiver.Finding {
		return receiver.Fail.Finding(fmt.Sprintf("worker: %v", err))
	}
	endpoint, err := webhook.ParseEndpoint(c.Webhook.Endpoint)
	if err != nil {
		return fail(err)
	}
	hook, err := webhook.Open(webhookOptions(c, endpoint, build().version, zap.NewNop()))
	if err != nil {
		return fail(err)
	}
	defer hook.Close()
	if c.Webhook.HealthCheckEndpoint == "" {
		if err := hook.Probe(ctx); err != nil {
			return fail(err)
		}
		return receiver.OK.Finding(fmt.Sprintf("worker: %v accepts connections", endpoint))
	}
	at, err := webhook.ParseEndpoint(c.Webhook.HealthCheckEndpoint)
	if err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Webhook.HealthCheckTimeout)
	defer cancel()
	if err := hook.HealthCheck(at)(ctx); err != nil {
		return fail(fmt.Errorf("health check %v: %w", at, err))
	}
	return receiver.OK.Finding(fmt.Sprintf("worker: %v is healthy", at))
}
