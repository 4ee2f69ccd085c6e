package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/observe/admin"
	"carrier/internal/redact"
	"carrier/receiver"
	"carrier/receiver/builtin"
	"carrier/receiver/preflight"
	"carrier/transmitter/webhook"
)

// checkTimeout is how long the whole preflight may take.
const checkTimeout = 30 * time.Second

// check looks at everything a run depends on, without taking a message, and prints
// one line for each finding. It returns exitFailure where something fails.
func check(c config.Config, warnings []string, stdout io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	findings := []preflight.Finding{preflight.OK.Finding("configuration: receiver " + c.Routes[0].Receiver)}
	for _, w := range warnings {
		findings = append(findings, preflight.Warn.Finding("configuration: "+w))
	}
	sources, err := builtin.New(c, []builtin.Route{{Route: c.Routes[0], Observer: receiver.NoObserver{}, Log: zap.NewNop()}}, builtin.Options{
		Answered: func(int) {}, Log: zap.NewNop(), Agent: "carrier/" + build().version,
	})
	port, carrierRuns := checkAdmin(ctx, c.Admin.Address)
	findings = append(findings, port)
	if err != nil {
		findings = append(findings, preflight.Fail.Finding(err.Error()))
	} else {
		findings = append(findings, sources[0].Check(ctx, carrierRuns)...)
		_ = sources[0].Close()
	}
	findings = append(findings, checkWorker(ctx, c.Routes[0]))
	code := exitOK
	for _, f := range findings {
		_, _ = fmt.Fprintf(stdout, "%-4s  %s\n", f.Level, redact.Text(f.Text))
		if f.Level == preflight.Fail {
			code = exitFailure
		}
	}
	return code
}

// checkAdmin looks whether the admin port can be opened, and says whether a carrier answers there.
func checkAdmin(ctx context.Context, address string) (f preflight.Finding, carrierRuns bool) {
	if address == "" {
		return preflight.OK.Finding("admin port: off"), false
	}
	carrierRuns = admin.Running(ctx, address)
	return preflight.Listen(ctx, "admin port", address, carrierRuns), carrierRuns
}

// checkWorker asks the worker's health endpoint, or, without one, whether it
// accepts connections.
func checkWorker(ctx context.Context, c config.Route) preflight.Finding {
	fail := func(err error) preflight.Finding {
		return preflight.Fail.Finding(fmt.Sprintf("worker: %v", err))
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
		return preflight.OK.Finding(fmt.Sprintf("worker: %v accepts connections", endpoint))
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
	return preflight.OK.Finding(fmt.Sprintf("worker: %v is healthy", at))
}
