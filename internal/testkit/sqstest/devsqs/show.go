package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"carrier/internal/testkit/sqstest"
)

// pages answers GET /queues and GET /queues/NAME with what is in the queues, and has s answer all
// else. The bodies are shown for ?bodies=true only.
func pages(s *sqstest.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /queues", func(w http.ResponseWriter, _ *http.Request) {
		for _, q := range s.Queues() {
			_, _ = fmt.Fprintln(w, summary(q))
		}
	})
	mux.HandleFunc("GET /queues/{name}", func(w http.ResponseWriter, r *http.Request) {
		q := s.Queue(r.PathValue("name"))
		if q == nil {
			http.Error(w, "there is no queue "+r.PathValue("name"), http.StatusNotFound)
			return
		}
		writeQueue(w, q, s.Now(), r.FormValue("bodies") == "true")
	})
	mux.Handle("/", s)
	return mux
}

func summary(q *sqstest.Queue) string {
	c := q.Counts()
	return fmt.Sprintf("%s: %d visible, %d in flight, %d delayed", q.Name(), c.Visible, c.InFlight, c.Delayed)
}

// writeQueue writes a table of the messages in the order they were sent.
func writeQueue(w io.Writer, q *sqstest.Queue, now time.Time, bodies bool) {
	_, _ = fmt.Fprintln(w, summary(q))
	messages := q.Peek()
	if len(messages) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer func() { _ = table.Flush() }()
	title := "\nID\tRECEIVES\tHIDDEN FOR\tGROUP"
	if bodies {
		title += "\tBODY"
	}
	_, _ = fmt.Fprintln(table, title)
	for _, m := range messages {
		hidden := max(0, m.HiddenUntil.Sub(now)).Round(time.Second)
		_, _ = fmt.Fprintf(table, "%s\t%d\t%v\t%s", m.ID, m.Receives, hidden, m.Group)
		if bodies {
			_, _ = fmt.Fprintf(table, "\t%q", m.Body)
		}
		_, _ = fmt.Fprintln(table)
	}
}

// show prints what is in one queue, or how much is in each.
func (p program) show(ctx context.Context, args []string) error {
	f := p.flags("devsqs show")
	endpoint := f.String("endpoint", p.env("DEVSQS_ENDPOINT", "http://"+defaultAddress), "the server")
	bodies := f.Bool("bodies", false, "print the bodies too")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 1 {
		return usageError("show takes one queue's name, or none for all queues")
	}
	page := strings.TrimSuffix(*endpoint, "/") + "/queues"
	if f.NArg() == 1 {
		page += fmt.Sprintf("/%s?bodies=%t", url.PathEscape(f.Arg(0)), *bodies)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	text, err := ask(req)
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(text)
	return err
}
