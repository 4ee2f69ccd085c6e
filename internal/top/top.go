// Package top shows what the routes of a carrier do as lines of text.
package top

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"carrier/internal/route/state"
)

// A Look is the state at one moment.
type Look struct {
	State state.Process
	At    time.Time
}

// Lines says what the routes do at now: a line for each, and one below it for each thing that stands in
// its way. Rates are those since before; with a zero before there are none. No line is longer than width
// characters, unless width is zero, and none holds a control character.
func Lines(before, now Look, width int) []string {
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "carrier %s, %s\n\n", now.State.Version, now.At.Format(time.TimeOnly))
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ROUTE\tSTATE\tIN FLIGHT\tRECEIVED\tDELIVERED\tDEFERRED\tFAILED\tREJECTED\tLOST\tOLDEST\tQUEUED\tDEAD\tSOURCE")
	elapsed := now.At.Sub(before.At)
	for _, r := range now.State.Routes {
		writeRoute(table, find(before.State.Routes, r.Name), r, elapsed)
	}
	_ = table.Flush()
	for _, r := range now.State.Routes {
		writeTroubles(&text, r)
	}
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = cut(printable(line), width)
	}
	return lines
}

func find(routes []state.Route, name string) *state.Route {
	for i := range routes {
		if routes[i].Name == name {
			return &routes[i]
		}
	}
	return nil
}

func writeRoute(w io.Writer, before *state.Route, now state.Route, elapsed time.Duration) {
	rate := func(n, last int64) string {
		if before == nil || elapsed <= 0 || n < last {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%d %.1f/s", n, float64(n-last)/elapsed.Seconds())
	}
	var last state.Route
	if before != nil {
		last = *before
	}
	of := func(outcome string) string { return rate(now.Settled[outcome], last.Settled[outcome]) }
	source := now.Receiver
	if now.Source != "" && now.Source != now.Receiver {
		source += " " + now.Source
	}
	_, _ = fmt.Fprintf(w, "%s\t%s\t%d/%d\t%s\t%s\t%d\t%s\t%d\t%d\t%s\t%d\t%d\t%s\n",
		printable(now.Name), printable(now.State), now.InFlight, now.Limit, rate(now.Received, last.Received), of("delivered"),
		now.Settled["deferred"], of("failed"), now.Settled["rejected"], now.Settled["lost"],
		age(now.OldestSeconds), now.Queued, now.DeadLetters, printable(source))
}

// writeTroubles says what stands in the way of r, and which of its endpoints are spared.
func writeTroubles(w io.Writer, r state.Route) {
	for _, reason := range r.Reasons {
		_, _ = fmt.Fprintf(w, "%s: not ready: %s\n", printable(r.Name), printable(reason))
	}
	for _, e := range r.Endpoints {
		if e.Breaker != "" && e.Breaker != "closed" {
			_, _ = fmt.Fprintf(w, "%s: breaker %s: %s\n", printable(r.Name), printable(e.Breaker), printable(e.URL))
		}
	}
}

// age is a number of seconds in words; "-" for none.
func age(seconds int64) string {
	if seconds <= 0 {
		return "-"
	}
	return (time.Duration(seconds) * time.Second).String()
}

// printable is text in which what could move the cursor, or end a column, is a question mark.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// cut is the beginning of line, at most width characters; all of it where width is zero.
func cut(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width])
}
