package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/deadletter"
	"carrier/receiver/builtin"
)

// usualLetters is how many dead letters are listed unless asked otherwise, pageOfLetters how many are
// asked for at once.
const (
	usualLetters  = 100
	pageOfLetters = 1000
)

// lettersTimeout is how long a look at dead letters may take.
const lettersTimeout = 5 * time.Minute

// A lettersWanted says which dead letters a command is about.
type lettersWanted struct {
	route string // empty for all routes
	limit int
	body  bool
	dry   bool
	rate  config.Rate
	ids   []string
}

// deadLettersCommand is `carrier dead-letters`, of a list or of one letter, and
// `carrier dead-letters drop`.
func deadLettersCommand(args []string, stdout, stderr io.Writer) int {
	drop := len(args) > 0 && args[0] == "drop"
	options := []string{"--route=", "--limit=", "--body"}
	if drop {
		args, options = args[1:], options[:1]
	}
	w, err := parseLetters(args, options...)
	if err == nil && (len(w.ids) > 1 || drop && len(w.ids) > 0 || w.body && len(w.ids) == 0) {
		err = errors.New("one id at most, and --body only with one")
	}
	if err != nil {
		return misused(stderr, fmt.Sprintf("dead-letters takes: [--route NAME] [--limit N] [ID [--body]], or drop [--route NAME]: %v", err))
	}
	return configured(stderr, func(c config.Config, _ []string) int {
		if drop {
			return printed(stderr, dropDeadLetters(c, w.route, stdout))
		}
		ctx, cancel := context.WithTimeout(context.Background(), lettersTimeout)
		defer cancel()
		if len(w.ids) == 1 {
			return printed(stderr, showLetter(ctx, c, w, stdout))
		}
		return printed(stderr, listLetters(ctx, c, w, stdout, stderr))
	})
}

// parseLetters reads the arguments of a command about dead letters, which takes options; those that end
// in = have a value.
func parseLetters(args []string, options ...string) (lettersWanted, error) {
	w := lettersWanted{limit: usualLetters}
	for len(args) > 0 {
		name, rest := args[0], args[1:]
		switch {
		case slices.Contains(options, name+"="):
			if len(rest) == 0 || rest[0] == "" {
				return w, fmt.Errorf("%s needs a value", name)
			}
			if err := w.set(name, rest[0]); err != nil {
				return w, err
			}
			rest = rest[1:]
		case slices.Contains(options, name):
			w.body, w.dry = w.body || name == "--body", w.dry || name == "--dry-run"
		case name == "" || strings.HasPrefix(name, "-"):
			return w, fmt.Errorf("not %q", name)
		default:
			w.ids = append(w.ids, name)
		}
		args = rest
	}
	return w, nil
}

// set sets an option that has a value.
func (w *lettersWanted) set(name, value string) (err error) {
	switch name {
	case "--route":
		w.route = value
	case "--limit":
		if w.limit, err = strconv.Atoi(value); err != nil || w.limit < 1 {
			err = errors.New("--limit is a number above zero")
		}
	case "--rate":
		if err = w.rate.Decode(value); err != nil {
			err = errors.New("--rate is as 100/s, 600/m or 1000/h")
		}
	}
	return err
}

// routesOf are the routes with dead letters that w is about.
func (w lettersWanted) routesOf(c config.Config) ([]config.Route, error) {
	var found []config.Route
	var names []string
	for _, r := range c.Routes {
		if r.IsFallback() {
			continue
		}
		names = append(names, r.PublicName())
		if w.route == "" || w.route == r.PublicName() {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no route %q that has dead letters: the routes are %s", w.route, strings.Join(names, ", "))
	}
	if len(w.ids) > 0 && len(found) > 1 {
		return nil, fmt.Errorf("an id is one of a route's: say which one with --route: %s", strings.Join(names, ", "))
	}
	return found, nil
}

// withLetters calls do with the dead letters of r.
func withLetters(ctx context.Context, c config.Config, r config.Route, do func(deadletter.Store) error) error {
	if r.Receiver == config.Ingest {
		return withIngestLetters(c, r.PublicName(), do)
	}
	s, err := builtin.DeadLetters(ctx, &r, builtin.Options{Log: zap.NewNop(), Agent: "carrier/" + build().version})
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// listLetters writes the letters of all routes that are wanted. The letters of one that cannot be
// listed do not keep it from the others.
func listLetters(ctx context.Context, c config.Config, w lettersWanted, stdout, stderr io.Writer) error {
	routes, err := w.routesOf(c)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tROUTE\tSTATUS\tATTEMPTS\tBYTES\tLAST ATTEMPT\tREASON")
	listed := false
	var errs []error
	left := w.limit
	for _, r := range routes {
		err := withLetters(ctx, c, r, func(s deadletter.Store) error {
			n, err := listRoute(ctx, s, r.PublicName(), left, table)
			left -= n
			listed = listed || n > 0 || err == nil
			return err
		})
		if err != nil {
			errs = append(errs, ofRoute(r, err))
		}
	}
	if listed { // else the head would stand above nothing but errors
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if left == 0 {
		_, _ = fmt.Fprintf(stderr, "these are the first %d; there may be more (--limit)\n", w.limit)
	}
	return errors.Join(errs...)
}

// ofRoute is err with the name of its route, where that has one.
func ofRoute(r config.Route, err error) error {
	if r.Name == "" {
		return err
	}
	return fmt.Errorf("route %s: %w", r.Name, err)
}

// listRoute writes up to limit letters of one route, and returns how many.
func listRoute(ctx context.Context, s deadletter.Store, route string, limit int, table io.Writer) (n int, err error) {
	for after, more := "", true; more && n < limit; more = after != "" {
		letters, next, err := s.List(ctx, after, min(limit-n, pageOfLetters))
		if err != nil {
			return n, err
		}
		for _, l := range letters {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", onOneLine(l.ID), route, known(l.Status), known(l.Attempts), l.Bytes, at(l.LastAttempt), onOneLine(l.Reason))
		}
		n += len(letters)
		after = next
	}
	return n, nil
}

// known is a number that may not be known, which is zero then.
func known(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// at is a time that may not be known.
func at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// onOneLine is text with nothing in it that a terminal would obey. Nothing is a dash.
func onOneLine(text string) string {
	if text == "" {
		return "-"
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// showLetter writes all there is of one letter.
func showLetter(ctx context.Context, c config.Config, w lettersWanted, stdout io.Writer) error {
	routes, err := w.routesOf(c)
	if err != nil {
		return err
	}
	return withLetters(ctx, c, routes[0], func(s deadletter.Store) error {
		l, err := s.Show(ctx, w.ids[0])
		if err != nil {
			return err
		}
		return writeLetter(stdout, l, w.body)
	})
}

func writeLetter(stdout io.Writer, l deadletter.Letter, body bool) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"id", l.ID}, {"original id", l.OriginalID}, {"group", l.Group}, {"reason", l.Reason}, {"status", known(l.Status)},
		{"attempts", known(l.Attempts)}, {"endpoint", l.Endpoint}, {"first received", at(l.FirstReceived)},
		{"last attempt", at(l.LastAttempt)}, {"bytes", strconv.Itoa(l.Bytes)},
	} {
		_, _ = fmt.Fprintf(table, "%s\t%s\n", line[0], onOneLine(line[1]))
	}
	for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
		_, _ = fmt.Fprintf(table, "attribute %s\t%s\n", onOneLine(name), onOneLine(l.Attributes[name]))
	}
	if err := table.Flush(); err != nil || !body {
		return err
	}
	_, err := fmt.Fprintf(stdout, "\n%s\n", l.Body)
	return err
}
