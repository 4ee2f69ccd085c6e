package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/harness"
	"carrier/bench/proc"
	"carrier/bench/report"
)

// ingest measures how fast messages are taken: written, synced and acknowledged. The
// yardstick is bbolt by itself, with records of the same size, the same number of
// producers and the same kind of group commit, in one process without any HTTP. Since
// producers, carrier and worker share the cores, much of the distance to it is HTTP:
// "behind a bare server" puts the same bbolt behind about the cheapest server there is,
// with the same producers as carrier has. Carrier is measured with its worker away,
// when it only stores, as bbolt by itself does; and delivering, when it stores, hands
// out, posts and removes: its match is bbolt that removes every record again.
//
// What the disk can do is in the scenario disk. Where fdatasync takes a tenth of a
// millisecond it limits nobody and this compares processor time. Then only ingestSlowDisk
// says what the group commit is worth.
func ingest(producers int, quick bool) scenario {
	return scenario{
		name: "ingest-" + strconv.Itoa(producers), quick: quick,
		says: strconv.Itoa(producers) + " producers, bodies of 1 KiB, worker answers immediately, 40 in flight",
		columns: []report.Column{
			col("acks", "acknowledged/s", 0), col("acks/bbolt", "/ bbolt's", 2), col("acks/server", "/ the bare server's", 2),
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
		{report.Bolt, func() (figures.Sample, error) { return b.measureDisk(ctx, "bbolt", producers, false, during) }},
		{report.BoltRemove, func() (figures.Sample, error) { return b.measureDisk(ctx, "bbolt", producers, true, during) }},
		{report.BoltServer, func() (figures.Sample, error) { return b.measureBoltServer(ctx, producers, during) }},
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
	}
	return nil
}

// An ingestSetup is carrier with its own queue, and producers.
type ingestSetup struct {
	harness.Setup
	producers *proc.Process
	dir       string
	address   string
}

// ingestCarrier starts carrier on its own queue. Without a worker its endpoint is a port
// at which nobody listens.
func (b *bench) ingestCarrier(s *ingestSetup, env ...string) (err error) {
	endpoint, err := harness.FreeAddress()
	if err != nil {
		return err
	}
	if s.Worker != nil {
		endpoint = s.Worker.Serve
	}
	if s.address, err = harness.FreeAddress(); err != nil {
		return err
	}
	s.Subject, err = b.Carrier(append([]string{
		"CARRIER_RECEIVER=ingest", "CARRIER_INGEST_ADDRESS=" + s.address, "CARRIER_INGEST_DATA_DIR=" + s.dir,
		"CARRIER_WEBHOOK_ENDPOINT=http://" + endpoint, "CARRIER_CONCURRENCY=40",
	}, env...)...)
	return err
}

func (b *bench) measureIngest(ctx context.Context, producers int, deliver bool, during time.Duration) (figures.Sample, error) {
	defer b.StopAll()
	var s ingestSetup
	var err error
	if deliver {
		if s.Worker, err = b.Tool("worker"); err != nil {
			return nil, err
		}
	}
	if s.dir, err = b.Scratch(); err != nil {
		return nil, err
	}
	if err := b.ingestCarrier(&s); err != nil {
		return nil, err
	}
	if err := b.produce(ctx, &s, producers, bodySize, 0); err != nil {
		return nil, err
	}
	if err := harness.Wait(ctx, time.Second); err != nil {
		return nil, err
	}
	return s.measure(ctx, during)
}

// produce starts producers, once somebody listens.
func (b *bench) produce(ctx context.Context, s *ingestSetup, producers, size, limit int) (err error) {
	if err := harness.Listening(ctx, s.address); err != nil {
		return err
	}
	s.producers, err = b.Tool("poster", "-client", report.BareTCP, "-address", s.address,
		"-clients", strconv.Itoa(producers), "-size", strconv.Itoa(size), "-limit", strconv.Itoa(limit))
	return err
}

// measure measures acknowledgements, and deliveries where there is a worker.
func (s *ingestSetup) measure(ctx context.Context, during time.Duration) (figures.Sample, error) {
	if err := s.producers.Order(ctx, "/mark"); err != nil {
		return nil, err
	}
	before, start, err := s.acknowledged(ctx)
	if err != nil {
		return nil, err
	}
	cpu, err := s.Subject.CPU()
	if err != nil {
		return nil, err
	}
	sample := figures.Sample{}
	if s.Worker != nil {
		if sample, err = s.Window(ctx, during); err != nil {
			return nil, err
		}
	} else if err := harness.Wait(ctx, during); err != nil {
		return nil, err
	}
	after, end, err := s.acknowledged(ctx)
	if err != nil {
		return nil, err
	}
	used, err := s.Subject.CPU()
	if err != nil {
		return nil, err
	}
	n := float64(after.OK - before.OK)
	if n == 0 {
		return nil, fmt.Errorf("nothing was acknowledged: %+v", after)
	}
	m, err := s.Subject.Memory()
	sample["peak"] = harness.Mebi(m.Peak)
	sample["acks"], sample["cpu"] = n/end.Sub(start).Seconds(), harness.Micro(used-cpu)/n
	sample["ack_p50"], sample["ack_p99"] = harness.Milli(after.P50), harness.Milli(after.P99)
	sample["errors"] = float64(after.Errors - before.Errors)
	return sample, err
}

func (s *ingestSetup) acknowledged(ctx context.Context) (p harness.PosterStats, at time.Time, err error) {
	err = s.producers.Ask(ctx, &p)
	return p, time.Now(), err
}

// measureDisk runs the disk's own program.
func (b *bench) measureDisk(ctx context.Context, what string, producers int, remove bool, during time.Duration) (figures.Sample, error) {
	dir, err := b.Scratch()
	if err != nil {
		return nil, err
	}
	out, err := b.OnDisk(ctx, "disk", "-what", what, "-dir", dir, "-producers", strconv.Itoa(producers),
		"-remove="+strconv.FormatBool(remove), "-for", during.String())
	if err != nil {
		return nil, err
	}
	var d struct {
		Rate      float64       `json:"rate"`
		P50       time.Duration `json:"p50"`
		P99       time.Duration `json:"p99"`
		PerCommit float64       `json:"per_commit"`
		CPU       time.Duration `json:"cpu"`
	}
	if err := json.Unmarshal(out, &d); err != nil {
		return nil, err
	}
	s := figures.Sample{"acks": d.Rate, "ack_p50": harness.Milli(d.P50), "ack_p99": harness.Milli(d.P99), "per_commit": d.PerCommit}
	if d.CPU > 0 {
		s["cpu"] = harness.Micro(d.CPU)
	}
	return s, nil
}

// measureBoltServer measures bbolt behind a bare server, with carrier's producers.
func (b *bench) measureBoltServer(ctx context.Context, producers int, during time.Duration) (figures.Sample, error) {
	defer b.StopAll()
	dir, err := b.Scratch()
	if err != nil {
		return nil, err
	}
	s := ingestSetup{dir: dir}
	if s.Subject, err = b.Tool("disk", "-what", "server", "-dir", dir); err != nil {
		return nil, err
	}
	s.address = s.Subject.Serve
	if err := b.produce(ctx, &s, producers, bodySize, 0); err != nil {
		return nil, err
	}
	if err := harness.Wait(ctx, time.Second); err != nil {
		return nil, err
	}
	return s.measure(ctx, during)
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
				s, err := b.measureDisk(ctx, "fdatasync", 1, false, b.Span(2*time.Second, time.Second))
				if err != nil {
					return err
				}
				r.Add("fdatasync", s)
			}
			return nil
		},
	}
}
