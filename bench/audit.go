package main

import (
	"context"
	"os"
	"time"

	"carrier/bench/figures"
	"carrier/bench/report"
)

// auditTrail measures what the audit trail costs: carrier without it, with lines on stdout, and with
// files, in turn. The memory of the last attempts is in all of them.
func auditTrail() scenario {
	return scenario{
		name: "audit", says: "the audit trail off, on stdout and in files: 40 in flight, the worker answers immediately; an attempt and a settlement for each message",
		columns: []report.Column{
			col("rate", "messages/s", 0), col("cpu", "CPU µs/message", 1), col("more", "more than without, µs", 1),
			col("others", "others' cores", 2), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			dir, err := os.MkdirTemp("", "carrier-bench-audit-")
			if err != nil {
				return err
			}
			defer func() { _ = os.RemoveAll(dir) }()
			t := trial{inFlight: 40, warm: b.Span(time.Second, 700*time.Millisecond), during: b.Span(3*time.Second, 1500*time.Millisecond), fill: 160_000}
			for range b.Times(5, 2) {
				off, err := b.measureCarrier(ctx, t)
				if err != nil {
					return err
				}
				r.Add(report.Carrier, off)
				for _, c := range []struct {
					subject string
					env     []string
				}{
					{report.AuditStdout, []string{"CARRIER_AUDIT=stdout"}},
					{report.AuditFiles, []string{"CARRIER_AUDIT=file", "CARRIER_AUDIT_DIR=" + dir}},
				} {
					on, err := b.measureCarrier(ctx, t, c.env...)
					if err != nil {
						return err
					}
					on["more"] = on["cpu"] - off["cpu"]
					r.Add(c.subject, on)
				}
			}
			return nil
		},
	}
}
