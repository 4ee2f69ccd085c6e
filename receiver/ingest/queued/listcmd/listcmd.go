// Package listcmd is what `carrier queue list`, show and drop do.
package listcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"carrier/internal/queue"
	"carrier/internal/queue/queuefile"
	"carrier/receiver/ingest/queued"
)

// A Call is `carrier queue list`, show or drop, with its arguments.
type Call struct {
	what, id            string
	route, state, limit string
	body                bool
}

// Parse reads the arguments behind `carrier queue`; options may stand before the id or behind.
func Parse(args []string) (Call, error) {
	call, ids, err := parseQueueOptions(args)
	switch {
	case err != nil:
		return call, err
	case call.what == "list" && len(ids) > 0:
		return call, fmt.Errorf("queue list takes no %q; it takes --route NAME, --state STATE and --limit N", ids[0])
	case call.what != "list" && len(ids) != 1:
		return call, fmt.Errorf("queue %s takes one ID", call.what)
	case call.what != "list":
		call.id = ids[0]
	}
	_, err = queued.Of(call.route, call.state, "", "")
	return call, err
}

func parseQueueOptions(args []string) (call Call, ids []string, err error) {
	call.what = args[0]
	values := map[string]*string{"--route": &call.route}
	if call.what == "list" {
		call.limit = "100"
		values["--state"], values["--limit"] = &call.state, &call.limit
	}
	for rest := args[1:]; len(rest) > 0; rest = rest[1:] {
		arg := rest[0]
		value, takesValue := values[arg]
		switch {
		case takesValue && len(rest) > 1:
			rest = rest[1:]
			*value = rest[0]
		case takesValue:
			return call, nil, fmt.Errorf("queue %s: %s takes a value", call.what, arg)
		case arg == "--body" && call.what == "show":
			call.body = true
		case strings.HasPrefix(arg, "-"):
			return call, nil, fmt.Errorf("queue %s takes no %s", call.what, arg)
		default:
			ids = append(ids, arg)
		}
	}
	return call, ids, nil
}

// A Source is where the messages are. Where a carrier runs on the data directory it is asked on its
// admin port, else the file is opened.
type Source struct {
	// Dir is the data directory.
	Dir string
	// Ask asks the carrier that runs.
	Ask func(method, path string, answer any) error
	// Open opens the file for as long as do runs.
	Open func(do func(*queue.Queue) error) error
}

// Do makes the call and writes what it finds to stdout. Its errors are for people.
func (call Call) Do(s Source, stdout io.Writer) error {
	most, err := strconv.Atoi(call.limit)
	if call.what == "list" && (err != nil || most < 1) {
		return fmt.Errorf("--limit has to be a number above 0, not %q", call.limit)
	}
	asking, err := isRunningOn(s.Dir)
	if err != nil {
		return err
	}
	if asking {
		return call.on(stdout, most, askingQueue{s.Ask})
	}
	return s.Open(func(q *queue.Queue) error { return call.on(stdout, most, openQueue{q}) })
}

// isRunningOn says whether a carrier runs on the queue in dir.
func isRunningOn(dir string) (bool, error) {
	f, _, err := queuefile.OpenToRead(filepath.Join(dir, queuefile.Name))
	switch {
	case errors.Is(err, queuefile.ErrInUse):
		return true, nil
	case errors.Is(err, os.ErrNotExist):
		return false, fmt.Errorf("no queue in CARRIER_INGEST_DATA_DIR: %w", err)
	case err != nil:
		return false, err
	}
	return false, f.Close()
}

// waitingMessages is a queue whose messages are looked at: the file, or that of the carrier that runs.
type waitingMessages interface {
	page(route, state string, limit int, after string) (queued.Page, error)
	show(route, id string, body bool) ([]queued.Message, error)
	drop(route, id string) error
}

func (call Call) on(stdout io.Writer, most int, in waitingMessages) error {
	switch call.what {
	case "list":
		return call.list(stdout, most, in)
	case "show":
		all, err := in.show(call.route, call.id, call.body)
		if err != nil {
			return err
		}
		return writeMessages(stdout, all, call.body)
	default:
		if err := in.drop(call.route, call.id); err != nil {
			return err
		}
		return say(stdout, "message %s dropped\n", call.id)
	}
}

// list writes up to most messages, a page at a time: a page that is short is not the end.
func (call Call) list(stdout io.Writer, most int, in waitingMessages) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tROUTE\tSTATE\tDUE\tSTORED\tRECEIVED\tBYTES\tGROUP")
	left, after := most, ""
	for {
		p, err := in.page(call.route, call.state, min(left, queued.MostLimit), after)
		if err != nil {
			return err
		}
		for _, m := range p.Messages[:min(left, len(p.Messages))] {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%.40q\n",
				m.ID, m.Route, m.State, timeOr(m.Due, "-"), timeOr(m.Stored, "-"), m.ReceiveCount, m.Bytes, m.Group)
		}
		left -= min(left, len(p.Messages))
		if after = p.Next; after == "" || left == 0 {
			break
		}
	}
	if err := table.Flush(); err != nil || after == "" {
		return err
	}
	return say(stdout, "there may be more; --limit N lists more than %d\n", most)
}

func timeOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Format(time.RFC3339)
}

// writeMessages writes what is known of a message, a line each, and its body behind an empty line.
func writeMessages(w io.Writer, all []queued.Message, body bool) error {
	for _, m := range all {
		lines := [][2]string{
			{"id", m.ID}, {"route", m.Route}, {"group", quoted(m.Group)}, {"state", string(m.State)}, {"due", timeOr(m.Due, "")},
			{"stored", timeOr(m.Stored, "")}, {"received", strconv.Itoa(m.ReceiveCount)}, {"first received", timeOr(m.FirstReceived, "")},
			{"request", m.Method + " " + m.Path}, {"content type", quoted(m.ContentType)}, {"bytes", strconv.Itoa(m.Bytes)},
		}
		for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
			lines = append(lines, [2]string{"attribute", quoted(name) + " " + quoted(m.Attributes[name])})
		}
		for _, line := range lines {
			if line[1] == "" {
				continue
			}
			if err := say(w, "%-15s %s\n", line[0], line[1]); err != nil {
				return err
			}
		}
		if body {
			if err := say(w, "\n%s\n", m.Body); err != nil {
				return err
			}
		}
	}
	return nil
}

// quoted is text that a producer chose, so that it cannot move a terminal's cursor.
func quoted(text string) string {
	if text == "" {
		return ""
	}
	return strconv.Quote(text)
}

type openQueue struct{ *queue.Queue }

func (q openQueue) page(route, state string, limit int, after string) (queued.Page, error) {
	query, err := queued.Of(route, state, strconv.Itoa(limit), after)
	if err != nil {
		return queued.Page{}, err
	}
	return queued.List(q.Queue, query)
}

func (q openQueue) show(route, id string, body bool) ([]queued.Message, error) {
	return queued.Show(context.Background(), q.Queue, route, id, body)
}

func (q openQueue) drop(route, id string) error {
	return queued.Drop(context.Background(), q.Queue, route, id)
}

type askingQueue struct {
	ask func(method, path string, answer any) error
}

func (c askingQueue) page(route, state string, limit int, after string) (p queued.Page, err error) {
	words := url.Values{"route": {route}, "state": {state}, "limit": {strconv.Itoa(limit)}, "after": {after}}
	err = c.ask(http.MethodGet, "/v1/queue?"+words.Encode(), &p)
	return p, err
}

func (c askingQueue) show(route, id string, body bool) ([]queued.Message, error) {
	var p queued.Page
	words := url.Values{"route": {route}, "body": {strconv.FormatBool(body)}}
	err := c.ask(http.MethodGet, "/v1/queue/"+url.PathEscape(id)+"?"+words.Encode(), &p)
	return p.Messages, err
}

func (c askingQueue) drop(route, id string) error {
	words := url.Values{"route": {route}}
	return c.ask(http.MethodPost, "/v1/queue/"+url.PathEscape(id)+"/drop?"+words.Encode(), nil)
}

func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
