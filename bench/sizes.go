package main

import (
	"context"
	"path/filepath"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// sizes measures the program as it is released, whole and with less built in. The image
// is made of nothing but the program and a file of certificate authorities, and what is
// pulled is compressed: "gzip MiB" is the program's share of that.
func sizes() scenario {
	return scenario{
		name: "size", says: "the released program, by what is built in",
		columns: []report.Column{col("binary", "MiB", 1), col("gzip", "gzip MiB", 1)},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for _, built := range []struct{ subject, tags string }{{"all", ""}, {"sqs and ingest", "nopubsub"}, {"sqs", "nopubsub,noingest"}, {"ingest", "nosqs,nopubsub"}} {
				path := filepath.Join(b.Data, "size")
				if err := b.BuildRelease(ctx, path, built.tags); err != nil {
					return err
				}
				n, packed, err := harness.Sizes(path)
				if err != nil {
					return err
				}
				r.Add(built.subject, figures.Sample{"binary": harness.Mebi(n), "gzip": harness.Mebi(packed)})
			}
			return nil
		},
	}
}
