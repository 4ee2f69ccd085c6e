package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"carrier/config"
	"carrier/internal/observe/admin"
	"carrier/internal/redact"
	"carrier/internal/route"
	"carrier/receiver/preflight"
)

// checkTimeout is how long the whole preflight may take.
const checkTimeout = 30 * time.Second

// check looks at everything a run depends on, without taking a message, and prints
// one line for each finding. It returns exitFailure where something fails.
func check(c config.Config, warnings []string, stdout io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	var findings []preflight.Finding
	for _, r := range c.Routes {
		what := "receiver " + r.Receiver
		if r.IsFallback() {
			what = "a fallback of " + strings.Join(r.Fallback.For, ", ")
		}
		findings = append(findings, route.Named(r.Name, preflight.OK.Finding("configuration: "+what)))
	}
	for _, w := range warnings {
		findings = append(findings, preflight.Warn.Finding("configuration: "+w))
	}
	port, carrierRuns := checkAdmin(ctx, c.Admin.Address)
	findings = append(findings, port)
	findings = append(findings, route.Check(ctx, c, build().version, carrierRuns)...)
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
