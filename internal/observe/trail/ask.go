package trail

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"
)

// ParseQuery reads the flags of `carrier audit`. now is what --since counts from.
func ParseQuery(args []string, now time.Time) (Query, error) {
	var q Query
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
	case q.Outcome != "" && !slices.Contains(Outcomes(), q.Outcome):
		return q, fmt.Errorf("--outcome must be one of %v", Outcomes())
	case since > 0:
		q.Since = now.Add(-since)
	}
	return q, nil
}

// Path is where the API answers q, settlements included.
func (q Query) Path() string {
	asked := url.Values{"settlements": {"true"}}
	for name, value := range map[string]string{"message_id": q.MessageID, "route": q.Route, "outcome": q.Outcome} {
		if value != "" {
			asked.Set(name, value)
		}
	}
	if !q.Since.IsZero() {
		asked.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	return "/v1/attempts?" + asked.Encode()
}

// Write writes a line for each record, the oldest first, as they are in the files.
func (r Records) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	var line []byte
	for _, record := range r.inOrder() {
		line = record.appendLine(line[:0])
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// inOrder returns all records, the oldest first.
func (r Records) inOrder() []record {
	all := make([]record, 0, len(r.Attempts)+len(r.Settlements))
	a, s := len(r.Attempts)-1, len(r.Settlements)-1
	for a >= 0 || s >= 0 {
		if s < 0 || a >= 0 && !r.Settlements[s].Time.Before(r.Attempts[a].Time) {
			all = append(all, &r.Attempts[a])
			a--
			continue
		}
		all = append(all, &r.Settlements[s])
		s--
	}
	return all
}
