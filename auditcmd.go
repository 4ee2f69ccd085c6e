package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
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
	q, err := auditQuery(args, time.Now())
	if err != nil {
		return misused(stderr, "audit: "+err.Error())
	}
	return configured(stderr, func(c config.Config, _ []string) int {
		if c.Audit.To == observe.File {
			return printed(stderr, trail.Find(c.Audit.Dir, q, stdout))
		}
		return printed(stderr, remembered(c, q, stdout))
	})
}

// auditQuery reads the flags of `carrier audit`.
func auditQuery(args []string, now time.Time) (trail.Query, error) {
	var q trail.Query
	var since time.Duration
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&q.MessageID, "message", "", "")
	flags.StringVar(&q.Route, "route", "", "")
	flags.StringVar(&q.Outcome, "outcome", "", "")
	flags.DurationVar(&since, "since", 0, "")
	if err := flags.Parse(args); err != nil {
		return q, err
	}
	switch {
	case flags.NArg() > 0:
		return q, fmt.Errorf("takes no argument %q", flags.Arg(0))
	case since < 0:
		return q, errors.New("--since must not be negative")
	case q.Outcome != "" && !slices.Contains(trail.Outcomes(), q.Outcome):
		return q, fmt.Errorf("--outcome must be one of %v", trail.Outcomes())
	case since > 0:
		q.Since = now.Add(-since)
	}
	return q, nil
}

// remembered prints what the carrier that runs has in memory.
func remembered(c config.Config, q trail.Query, stdout io.Writer) error {
	asked := url.Values{"settlements": {"true"}}
	for name, value := range map[string]string{"message_id": q.MessageID, "route": q.Route, "outcome": q.Outcome} {
		if value != "" {
			asked.Set(name, value)
		}
	}
	if !q.Since.IsZero() {
		asked.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	var found trail.Records
	if err := askRunning(context.Background(), c, http.MethodGet, "/v1/attempts?"+asked.Encode(), &found); err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, record := range found.InOrder() {
		if err := encoder.Encode(record); err != nil {
			return err
		}
	}
	return out.Flush()
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
