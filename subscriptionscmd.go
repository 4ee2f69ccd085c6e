//go:build !noingest

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"carrier/config"
	"carrier/internal/observe/admin"
	"carrier/internal/queue"
	"carrier/internal/queue/queuefile"
	"carrier/receiver/ingest/listed"
)

// subscriptionsTimeout is how long the carrier that runs may take to answer.
const subscriptionsTimeout = time.Minute

// subscriptionsCommand is `carrier subscriptions` and `carrier subscriptions drop NAME`. Where a
// carrier runs on the data directory it is asked on its admin port, else the file is opened.
func subscriptionsCommand(args []string, stdout, stderr io.Writer) int {
	drop := len(args) == 2 && args[0] == "drop"
	if len(args) > 0 && !drop {
		return misused(stderr, "subscriptions takes: nothing, or drop NAME")
	}
	return configured(stderr, func(c config.Config, _ []string) int {
		if drop {
			return printed(stderr, withoutQueue(c, dropSubscription(c, args[1], stdout)))
		}
		return printed(stderr, withoutQueue(c, listSubscriptions(c, stdout)))
	})
}

func listSubscriptions(c config.Config, stdout io.Writer) error {
	path := filepath.Join(c.Ingest.DataDir, queuefile.Name)
	l, err := queuefile.Look(path)
	switch {
	case errors.Is(err, queuefile.ErrInUse):
		var answer struct {
			Subscriptions []listed.Subscription `json:"subscriptions"`
		}
		if err := ask(c, http.MethodGet, "/v1/subscriptions", &answer); err != nil {
			return err
		}
		return writeSubscriptions(stdout, answer.Subscriptions)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no queue in CARRIER_INGEST_DATA_DIR: %w", err)
	case err != nil:
		return err
	}
	return writeSubscriptions(stdout, listed.Of(queue.ListOf(l)))
}

func dropSubscription(c config.Config, name string, stdout io.Writer) error {
	var d listed.Dropped
	err := withQueue(c.Ingest.DataDir, func(q *queue.Queue) error {
		dropped, err := q.Drop(context.Background(), listed.StoredName(name))
		d = listed.Dropped{Messages: dropped.Messages, Dead: dropped.Dead, Ended: dropped.Ended}
		return err
	})
	if errors.Is(err, queue.ErrLocked) {
		err = ask(c, http.MethodPost, "/v1/subscriptions/"+url.PathEscape(name)+"/drop", &d)
	}
	if err != nil {
		return err
	}
	what := "it is configured, and stays"
	if d.Ended {
		what = "it is not configured any more, and is ended"
	}
	return say(stdout, "%d messages and %d dead letters of %s dropped; %s\n", d.Messages, d.Dead, name, what)
}

// ask asks the carrier that runs.
func ask(c config.Config, method, path string, answer any) error {
	return askWith(context.Background(), c, method, path, nil, answer)
}

// askWith asks the carrier that runs with a body.
func askWith(ctx context.Context, c config.Config, method, path string, in, answer any) error {
	switch {
	case c.Admin.Address == "":
		return fmt.Errorf("a carrier runs on %s, and its admin port is off: set CARRIER_ADMIN_ADDRESS, or stop it first", c.Ingest.DataDir)
	case c.Admin.Token.Reveal() == "":
		return fmt.Errorf("a carrier runs on %s: set CARRIER_ADMIN_TOKEN for it and for this command, or stop it first", c.Ingest.DataDir)
	}
	ctx, cancel := context.WithTimeout(ctx, subscriptionsTimeout)
	defer cancel()
	return admin.Send(ctx, c.Admin.Address, c.Admin.Token.Reveal(), method, path, in, answer)
}

func writeSubscriptions(w io.Writer, all []listed.Subscription) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tPATTERN\tSTATE\tWAITING\tBYTES\tOLDEST\tDEAD LETTERS")
	for _, s := range all {
		oldest := "-"
		if s.OldestSeconds > 0 {
			oldest = (time.Duration(s.OldestSeconds) * time.Second).String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%d\n", s.Name, s.Pattern, s.State, s.Waiting, s.Bytes, oldest, s.Dead)
	}
	return table.Flush()
}
