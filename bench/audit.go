package main

import (
	"context"
	"os"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// auditTrail measures what the audit trail costs: carrier without it, with lines on stdout, and with
// files, all three started together and measured in turn, for half a second each. The memory of the
// last attempts is in all of them.
func auditTrail() scenario {
	return scenario{
		name: "audit", says: "the audit trail off, on stdout and in files: 40 in flight, the worker answers immediately; an attempt and a settlement for each message. Three carriers take turns; the figures of a repetition are medians of its turns, and what is more than without is the median of the differences of the same turn",
		columns: []report.Column{
			col("rate", "messages/s", 0), col("cpu", "CPU µs/message", 1), col("more", "more than without, µs", 1), col("more_quartiles", "its quartiles apart", 1),
			col("others", "others' cores", 2), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(5, 2) {
				if err := b.auditTurns(ctx, r); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// auditTurns is one repetition.
func (b *bench) auditTurns(ctx context.Context, r *figures.Results) error {
	defer b.StopAll()
	dir, err := b.Scratch()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	start := func(env ...string) func() (harness.Setup, error) {
		t := trial{inFlight: 40, warm: 700 * time.Millisecond, fill: 300_000}
		return func() (harness.Setup, error) { return b.warmCarrier(ctx, t, env...) }
	}
	t := harness.Turns{N: b.Times(12, 6), Settle: 200 * time.Millisecond, During: b.Span(500*time.Millisecond, 300*time.Millisecond)}
	return harness.InTurn(ctx, t, r,
		&harness.Side{Name: report.Carrier, Start: start()},
		&harness.Side{Name: report.AuditStdout, Start: start("CARRIER_AUDIT=stdout")},
		&harness.Side{Name: report.AuditFiles, Start: start("CARRIER_AUDIT=file", "CARRIER_AUDIT_DIR="+dir)},
	)
}
