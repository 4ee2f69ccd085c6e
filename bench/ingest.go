package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"carrier/bench/behind"
	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/report"
)

// ingest measures how fast messages are taken: written, synced and acknowledged. The
// yardstick is bbolt by itself, with records of the same size, the same number of
// producers and the same kind of group commit, in one process without any HTTP. Since
// producers, carrier and worker share the cores, much of the distance to it is HTTP:
// "behind a bare server" puts the same bbolt behind about the cheapest server there is,
// with the same producers as carrier has, and "behind net/http" behind the server that
// carrier has too. Carrier is measured with its worker away, when it only stores, as bbolt by
// itself does; and delivering, when it stores, hands out, posts and removes: its match is
// bbolt that removes every record again.
//
// What the disk can do is in the scenario disk. Where fdatasync takes a tenth of a
// millisecond it limits nobody and this compares processor time. Then only ingestSlowDisk
// says what the group commit is worth.
func ingest(producers int, quick bool) scenario {
	return scenario{
		name: "ingest-" + strconv.Itoa(producers), quick: quick,
		says: strconv.Itoa(producers) + " producers, bodies of 1 KiB, worker answers immediately, 40 in flight",
		columns: []report.Column{
			col("acks", "acknowledged/s", 0), col("acks/bbolt", "/ bbolt's", 2), col("acks/server", "/ the bare server's", 2), col("acks/nethttp", "/ net/http's", 2),
			col("ack_p50", "ack p50 ms", 2), col("ack_p99", "ack p99 ms", 2), col("cpu", "CPU µs/message", 1),
			col("rate", "delivered/s", 0), col("p50", "to the POST p50 ms", 2), col("p99", "p99 ms", 2),
			col("per_commit", "records/commit", 1), col("peak", "peak RSS MiB", 1),
		},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			during := b.Span(3*time.Second, 2*time.Second)
			for range b.Times(2, 1) {
				if err := b.ingestTurn(ctx, r, producers, during); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// slowSync is by how much fdatasync is longer on the slow disk: about what a volume takes
// that is reached over a network.
const slowSync = 5 * time.Millisecond

// ingestSlowDisk is ingest where fdatasync is what limits, for carrier and its yardsticks
// alike: each is slowed down by the program slowdisk.
func ingestSlowDisk(producers int, quick bool) scenario {
	s := ingest(producers, quick)
	measure := s.run
	s.name += "-slow-disk"
	s.says += "; every fdatasync takes " + slowSync.String() + " longer"
	s.run = func(ctx context.Context, b *bench, r *figures.Results) error {
		b.SlowDisk(slowSync)
		defer b.SlowDisk(0)
		return measure(ctx, b, r)
	}
	return s
}

// ingestTurn measures all subjects once, and sets carrier's beside their yardsticks.
func (b *bench) ingestTurn(ctx context.Context, r *figures.Results, producers int, during time.Duration) error {
	samples := map[string]figures.Sample{}
	for _, m := range []struct {
		subject string
		measure func() (figures.Sample, error)
	}{
		{report.Delivering, func() (figures.Sample, error) { return b.measureIngest(ctx, producers, true, during) }},
		{report.Storing, func() (figures.Sample, error) { return b.measureIngest(ctx, producers, false, during) }},
		{report.Bolt, func() (figures.Sample, error) { return b.MeasureDisk(ctx, "bbolt", producers, false, during) }},
		{report.BoltRemove, func() (figures.Sample, error) { return b.MeasureDisk(ctx, "bbolt", producers, true, during) }},
		{report.BoltServer, func() (figures.Sample, error) { return b.measureBoltServer(ctx, behind.Bare, producers, during) }},
		{report.BoltNet, func() (figures.Sample, error) { return b.measureBoltServer(ctx, behind.NetHTTP, producers, during) }},
	} {
		s, err := m.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", m.subject, err)
		}
		samples[m.subject] = s
		r.Add(m.subject, s)
	}
	for subject, yardstick := range map[string]string{report.Delivering: report.BoltRemove, report.Storing: report.Bolt} {
		samples[subject]["acks/bbolt"] = samples[subject]["acks"] / samples[yardstick]["acks"]
		samples[subject]["acks/server"] = samples[subject]["acks"] / samples[report.BoltServer]["acks"]
		samples[subject]["acks/nethttp"] = samples[subject]["acks"] / samples[report.BoltNet]["acks"]
	}
	return nil
}

func (b *bench) measureIngest(ctx context.Context, producers int, deliver bool, during time.Duration) (figures.Sample, error) {
	defer b.StopAll()
	var s harness.Ingest
	var err error
	if deliver {
		if s.Worker, err = b.Tool("worker"); err != nil {
			return nil, err
		}
	}
	if s.Dir, err = b.Scratch(); err != nil {
		return nil, err
	}
	if err := b.CarrierIngest(&s); err != nil {
		return nil, err
	}
	if err := b.Produce(ctx, &s, producers, bodySize, 0); err != nil {
		return nil, err
	}
	if err := harness.Wait(ctx, time.Second); err != nil {
		return nil, err
	}
	return s.Measure(ctx, during)
}

// measureBoltServer measures bbolt behind a bare server, with carrier's producers.
func (b *bench) measureBoltServer(ctx context.Context, server string, producers int, during time.Duration) (figures.Sample, error) {
	defer b.StopAll()
	dir, err := b.Scratch()
	if err != nil {
		return nil, err
	}
	s := harness.Ingest{Dir: dir}
	if s.Subject, err = b.Tool("disk", "-what", "server", "-http", server, "-dir", dir); err != nil {
		return nil, err
	}
	s.Address = s.Subject.Serve
	if err := b.Produce(ctx, &s, producers, bodySize, 0); err != nil {
		return nil, err
	}
	if err := harness.Wait(ctx, time.Second); err != nil {
		return nil, err
	}
	return s.Measure(ctx, during)
}

// disk measures the rate and the latency of fdatasync in the directory that the ingest
// scenarios use: a write of one body into a file whose blocks exist, then fdatasync, one
// after another.
func disk() scenario {
	return scenario{
		name: "disk", quick: true, says: "write 1 KiB and fdatasync, one after another, in the data directory",
		columns: []report.Column{col("acks", "fdatasyncs/s", 0), col("ack_p50", "p50 ms", 3), col("ack_p99", "p99 ms", 3)},
		run: func(ctx context.Context, b *bench, r *figures.Results) error {
			for range b.Times(3, 1) {
				s, err := b.MeasureDisk(ctx, "fdatasync", 1, false, b.Span(2*time.Second, time.Second))
				if err != nil {
					return err
				}
				r.Add("fdatasync", s)
			}
			return nil
		},
	}
}
