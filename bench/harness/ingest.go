package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"carrier/bench/figures"
	"carrier/bench/proc"
	"carrier/bench/report"
)

// An Ingest is carrier with its own queue, and producers.
type Ingest struct {
	Setup
	Producers *proc.Process
	// Dir is its data directory, and Address where producers post.
	Dir, Address string
}

// CarrierIngest starts carrier on its own queue. Without a worker its endpoint is a port
// at which nobody listens.
func (b *Bench) CarrierIngest(s *Ingest, env ...string) (err error) {
	endpoint, err := FreeAddress()
	if err != nil {
		return err
	}
	if s.Worker != nil {
		endpoint = s.Worker.Serve
	}
	if s.Address, err = FreeAddress(); err != nil {
		return err
	}
	s.Subject, err = b.Carrier(append([]string{
		"CARRIER_RECEIVER=ingest", "CARRIER_INGEST_ADDRESS=" + s.Address, "CARRIER_INGEST_DATA_DIR=" + s.Dir,
		"CARRIER_WEBHOOK_ENDPOINT=http://" + endpoint, "CARRIER_CONCURRENCY=40",
	}, env...)...)
	return err
}

// Produce starts producers, once somebody listens.
func (b *Bench) Produce(ctx context.Context, s *Ingest, producers, size, limit int) (err error) {
	if err := Listening(ctx, s.Address); err != nil {
		return err
	}
	s.Producers, err = b.Tool("poster", "-client", report.BareTCP, "-address", s.Address,
		"-clients", strconv.Itoa(producers), "-size", strconv.Itoa(size), "-limit", strconv.Itoa(limit))
	return err
}

// Measure measures acknowledgements, and deliveries where there is a worker.
func (s *Ingest) Measure(ctx context.Context, during time.Duration) (figures.Sample, error) {
	if err := s.Producers.Order(ctx, "/mark"); err != nil {
		return nil, err
	}
	before, start, err := s.Acknowledged(ctx)
	if err != nil {
		return nil, err
	}
	cpu, err := s.Subject.CPU()
	if err != nil {
		return nil, err
	}
	around := s.around()
	sample := figures.Sample{}
	if s.Worker != nil {
		if sample, err = s.Window(ctx, during); err != nil {
			return nil, err
		}
	} else if err := Wait(ctx, during); err != nil {
		return nil, err
	}
	after, end, err := s.Acknowledged(ctx)
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
	for name, used := range s.around() {
		sample[name] = Micro(used-around[name]) / n
	}
	m, err := s.Subject.Memory()
	sample["peak"] = Mebi(m.Peak)
	sample["acks"], sample["cpu"] = n/end.Sub(start).Seconds(), Micro(used-cpu)/n
	sample["ack_p50"], sample["ack_p99"] = Milli(after.P50), Milli(after.P99)
	sample["errors"] = float64(after.Errors - before.Errors)
	return sample, err
}

// around is the processor time of what stands around the subject, by figure.
func (s *Ingest) around() map[string]time.Duration {
	used := map[string]time.Duration{}
	for name, p := range map[string]*proc.Process{"producers": s.Producers, "queue_cpu": s.Queue} {
		if p == nil || p == s.Subject {
			continue
		}
		if cpu, err := p.CPU(); err == nil {
			used[name] = cpu
		}
	}
	return used
}

// Acknowledged is what the producers have counted.
func (s *Ingest) Acknowledged(ctx context.Context) (p PosterStats, at time.Time, err error) {
	err = s.Producers.Ask(ctx, &p)
	return p, time.Now(), err
}

// MeasureDisk runs the disk's own program.
func (b *Bench) MeasureDisk(ctx context.Context, what string, producers int, remove bool, during time.Duration) (figures.Sample, error) {
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
	s := figures.Sample{"acks": d.Rate, "ack_p50": Milli(d.P50), "ack_p99": Milli(d.P99), "per_commit": d.PerCommit}
	if d.CPU > 0 {
		s["cpu"] = Micro(d.CPU)
	}
	return s, nil
}
