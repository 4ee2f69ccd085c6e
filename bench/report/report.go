package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"carrier/bench/figures"
)

// A Column is one figure of a scenario's table: its name in a sample, its title and its decimals.
type Column struct {
	Figure, Title string
	Digits        int
}

// A Scenario is one thing to measure, as tables and aims know it.
type Scenario struct {
	Name string
	// Says is what is measured, and what could mislead.
	Says    string
	Columns []Column
}

// A Finding is a scenario that was run.
type Finding struct {
	Scenario
	Results figures.Results
	Err     error
	Took    time.Duration
}

// String is the finding as a table in Markdown, which is also what a terminal shows.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n", f.Name, f.Says)
	rows := [][]string{f.titles()}
	for _, s := range f.Results {
		rows = append(rows, f.row(s))
	}
	table(&b, rows)
	if f.Err != nil {
		fmt.Fprintf(&b, "\nFAILED: %v\n", f.Err)
	}
	return b.String()
}

func (f Finding) titles() []string {
	row := []string{"median (min to max)"}
	for _, c := range f.Columns {
		row = append(row, c.Title)
	}
	return row
}

func (f Finding) row(s figures.Series) []string {
	row := []string{s.Subject}
	for _, c := range f.Columns {
		row = append(row, format(figures.Summarize(s.Values(c.Figure)), c.Digits))
	}
	return row
}

// format writes a summary; a figure that was measured once has no spread to show.
func format(s figures.Summary, digits int) string {
	switch s.N {
	case 0:
		return ""
	case 1:
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

const preface = `# What carrier costs, beside what it has to

Written by ` + "`make bench`" + `, never by hand. Every figure is of one run on one machine, and what
is worth keeping are the ratios: carrier's figure divided by that of a client that does
nothing but POST the same bodies to the same worker, or of the database by itself, taken
in turn with carrier's in the same run. Another machine has other times; the ratios move
less. Each cell is the median of the repetitions, with the smallest and the greatest.

Queue, worker, producers and carrier are processes of their own on the loopback interface,
**and share the cores of this machine**: a rate says what all of them need together.
Processor time is user and system time of carrier's process alone, by the kernel's clock.
"Others' cores" is what the machine did meanwhile for anybody else, the runner and the
kernel's own threads included: where that is more than a tenth or two, do not believe rates.

`

// Write writes the report and its plots beside it. It fails where nothing was measured.
func Write(path string, m Machine, done []Finding) error {
	if len(done) == 0 {
		return errors.New("no scenario was run")
	}
	var b strings.Builder
	b.WriteString(preface)
	fmt.Fprintf(&b, "Machine: %s.\n", m)
	if m.busy() {
		b.WriteString("\n**The machine was not idle when this began**: expect wider spreads, and lower rates.\n")
	}
	fmt.Fprintf(&b, "\n## Aims\n\n%s\n## Plots\n\n", AimTable(done))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	stem := strings.TrimSuffix(path, filepath.Ext(path))
	for _, p := range plots(done) {
		name := stem + "-" + p.name + ".svg"
		if err := os.WriteFile(name, []byte(p.svg), 0o644); err != nil { //nolint:gosec // to be read by all
			return err
		}
		fmt.Fprintf(&b, "![%s](%s)\n", p.name, filepath.Base(name))
	}
	b.WriteString("\n## Scenarios\n")
	for _, f := range done {
		b.WriteString(f.String())
	}
	return os.WriteFile(path, []byte(b.String()), 0o644) //nolint:gosec // to be read by all
}
