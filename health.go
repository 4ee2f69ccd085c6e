package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"carrier/config"
	"carrier/internal/observe/admin"
)

// healthTimeout is how long `carrier health` waits; a HEALTHCHECK gives it ten.
const healthTimeout = 5 * time.Second

// healthCommand is `carrier health`, of the process or of one route. It returns exitFailure, not
// exitConfig, also where it is misused: a HEALTHCHECK takes 0 or 1 only.
func healthCommand(args []string, stderr io.Writer) int {
	route := ""
	switch {
	case len(args) == 0:
	case len(args) == 2 && args[0] == "--route" && args[1] != "":
		route = args[1]
	default:
		_ = misused(stderr, "health takes: --route NAME, or nothing")
		return exitFailure
	}
	if configured(stderr, func(c config.Config, _ []string) int { return health(c, route, stderr) }) != exitOK {
		return exitFailure
	}
	return exitOK
}

// health asks the admin port of the carrier that runs with the same configuration.
func health(c config.Config, route string, stderr io.Writer) int {
	if c.Admin.Address == "" {
		_, _ = fmt.Fprintln(stderr, "the admin port is off: CARRIER_ADMIN_ADDRESS is empty")
		return exitFailure
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	return printed(stderr, admin.Health(ctx, c.Admin.Address, route))
}
