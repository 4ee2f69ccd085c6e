package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"carrier/config"
	"carrier/config/observe"
	"carrier/internal/observe/admin"
	"carrier/internal/observe/trail"
)

// askTimeout is how long the carrier that runs may take to answer.
const askTimeout = 30 * time.Second

// auditCommand is `carrier audit`: it prints lines of the audit trail, the oldest first, from its files
// where there are some, else from the memory of the carrier that runs.
func auditCommand(args []string, stdout, stderr io.Writer) int {
	q, err := trail.ParseQuery(args, time.Now())
	if err != nil {
		return misused(stderr, "audit: "+err.Error())
	}
	return configured(stderr, func(c config.Config, _ []string) int {
		if c.Audit.To == observe.File {
			return printed(stderr, trail.Find(c.Audit.Dir, q, stdout))
		}
		var found trail.Records
		if err := askRunning(context.Background(), c, http.MethodGet, q.Path(), &found); err != nil {
			return printed(stderr, err)
		}
		return printed(stderr, found.Write(stdout))
	})
}

// askRunning asks the carrier that runs with the same configuration.
func askRunning(ctx context.Context, c config.Config, method, path string, answer any) error {
	switch {
	case c.Admin.Address == "":
		return errors.New("the admin port is off: set CARRIER_ADMIN_ADDRESS, for the carrier that runs and for this command")
	case c.Admin.Token.Reveal() == "":
		return errors.New("set CARRIER_ADMIN_TOKEN, for the carrier that runs and for this command")
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return admin.Ask(ctx, c.Admin.Address, c.Admin.Token.Reveal(), method, path, answer)
}
