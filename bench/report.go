package main

import (
	"fmt"
	"strings"

	"carrier/bench/figures"
)

// String is the finding as a table in Markdown, which is also what a terminal shows.
func (f finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n", f.name, f.says)
	rows := [][]string{f.titles()}
	for _, s := range f.results {
		rows = append(rows, f.row(s))
	}
	table(&b, rows)
	if f.err != nil {
		fmt.Fprintf(&b, "\nFAILED: %v\n", f.err)
	}
	return b.String()
}

func (f finding) titles() []string {
	row := []string{"median (min to max)"}
	for _, c := range f.columns {
		row = append(row, c.title)
	}
	return row
}

func (f finding) row(s figures.Series) []string {
	row := []string{s.Subject}
	for _, c := range f.columns {
		row = append(row, format(figures.Summarize(s.Values(c.figure)), c.digits))
	}
	return row
}

// format writes a summary; a figure that was measured once has no spread to show.
func format(s figures.Summary, digits int) string {
	switch {
	case s.N == 0:
		return ""
	case s.N == 1:
		return fmt.Sprintf("%.*f", digits, s.Median)
	}
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, s.Median, digits, s.Min, digits, s.Max)
}

// table writes rows, the first of which is the titles, with columns of even width.
func table(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for n, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(b, "| %s%s ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, w := range widths {
				fmt.Fprintf(b, "|%s", strings.Repeat("-", w+2))
			}
			b.WriteString("|\n")
		}
	}
}

func writeReport(path string, m machine, done []finding) error { return nil }
