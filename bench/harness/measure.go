package harness

import (
	"context"
	"errors"
	"time"

	"carrier/bench/figures"
	"carrier/bench/proc"
)

// A Setup is the processes of one measurement: the subject, which is measured, and what
// stands around it. Queue is nil where the subject needs none.
type Setup struct {
	Subject, Worker, Queue *proc.Process
	// InFlight is the most messages in flight; zero where the queue may run dry.
	InFlight int
}

// A Moment is everything at one time.
type Moment struct {
	At                              time.Time
	Worker                          WorkerStats
	Queue                           QueueStats
	subjectCPU, workerCPU, queueCPU time.Duration
	machineCPU                      time.Duration
	subjectUser, subjectSystemTime  time.Duration
}

// Read takes the costs of the subject last, so that reading disturbs its figure least.
func (s Setup) Read(ctx context.Context) (m Moment, err error) {
	if s.Queue != nil {
		err = errors.Join(err, s.Queue.Ask(ctx, &m.Queue))
		m.queueCPU, _ = s.Queue.CPU()
	}
	err = errors.Join(err, s.Worker.Ask(ctx, &m.Worker))
	m.workerCPU, _ = s.Worker.CPU()
	m.machineCPU, _ = proc.Busy()
	m.subjectUser, m.subjectSystemTime, _ = s.Subject.Ticks()
	cpu, failed := s.Subject.CPU()
	m.subjectCPU, m.At = cpu, time.Now()
	return m, errors.Join(err, failed)
}

// Warm waits until the worker has accepted some messages and at least a while has passed:
// connections are open then, and the subject's heap has its size.
func (s Setup) Warm(ctx context.Context, messages int, least time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := Wait(ctx, least); err != nil {
		return err
	}
	return Until(ctx, 20*time.Millisecond, func() (bool, error) {
		var w WorkerStats
		err := s.Worker.Ask(ctx, &w)
		return w.Accepted >= messages, err
	})
}

// Window measures for a while.
func (s Setup) Window(ctx context.Context, during time.Duration) (figures.Sample, error) {
	if err := s.Worker.Order(ctx, "/mark"); err != nil {
		return nil, err
	}
	before, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	if err := Wait(ctx, during); err != nil {
		return nil, err
	}
	after, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	return s.compare(before, after)
}

// compare turns two moments into figures, and adds the subject's memory.
func (s Setup) compare(before, after Moment) (figures.Sample, error) {
	if after.Worker.Accepted == before.Worker.Accepted {
		return nil, errors.New("nothing was delivered")
	}
	if s.Queue != nil && after.Queue.Visible == 0 && s.InFlight > 0 {
		return nil, errors.New("the queue ran dry while measuring")
	}
	sample := s.costs(before, after)
	m, err := s.Subject.Memory()
	sample["peak"], sample["anonymous"] = Mebi(m.Peak), Mebi(m.Anonymous)
	return sample, err
}

// costs divides what was spent by the messages that were accepted meanwhile.
func (s Setup) costs(before, after Moment) figures.Sample {
	n, took := float64(after.Worker.Accepted-before.Worker.Accepted), after.At.Sub(before.At)
	sample := figures.Sample{
		"rate":       n / took.Seconds(),
		"cpu":        Micro(after.subjectCPU-before.subjectCPU) / n,
		"worker_cpu": Micro(after.workerCPU-before.workerCPU) / n,
		"queue_cpu":  Micro(after.queueCPU-before.queueCPU) / n,
		"cores":      (after.subjectCPU - before.subjectCPU).Seconds() / took.Seconds(),
		"p50":        Milli(after.Worker.P50),
		"p99":        Milli(after.Worker.P99),
		"early":      float64(after.Worker.Early),
		"duplicates": float64(after.Worker.Duplicates),
		"calls":      float64(after.Queue.calls()-before.Queue.calls()) / n,
	}
	ours := after.subjectCPU + after.workerCPU + after.queueCPU - before.subjectCPU - before.workerCPU - before.queueCPU
	sample["others"] = max(0, (after.machineCPU-before.machineCPU-ours).Seconds()/took.Seconds())
	user, system := after.subjectUser-before.subjectUser, after.subjectSystemTime-before.subjectSystemTime
	if user+system > 0 {
		sample["system"] = 100 * system.Seconds() / (user + system).Seconds()
	}
	if s.InFlight > 0 {
		sample["busy"] = (after.Worker.Busy - before.Worker.Busy).Seconds() / (took.Seconds() * float64(s.InFlight))
	}
	return sample
}

// Books reads what became of n messages.
func (s Setup) Books(ctx context.Context, n int, took time.Duration) (figures.Sample, error) {
	m, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	w, q := m.Worker, m.Queue
	return figures.Sample{
		"messages": float64(n), "lost": float64(n - min(w.Distinct, q.Deleted)),
		"duplicates": float64(w.Duplicates), "at_once": float64(w.AtOnce), "posts": float64(w.Posts),
		"failed": float64(w.Failed), "dropped": float64(w.Dropped),
		"throttled": float64(q.Faults["throttled"]), "cut": float64(q.Faults["drop_before"] + q.Faults["drop_after"]),
		"delete_failed": float64(q.Faults["delete_failed"]), "expired": float64(q.Expired),
		"deleted_late": float64(q.DeletedLate), "seconds": took.Seconds(),
		"early": float64(w.Early), "cut_off": float64(w.CutOff), "limbo": float64(q.InFlight),
	}, nil
}

// FirstReceive waits for the first receive and returns when it came in.
func (s Setup) FirstReceive(ctx context.Context) (at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err = Until(ctx, 5*time.Millisecond, func() (bool, error) {
		var q QueueStats
		err := s.Queue.Ask(ctx, &q)
		at = time.Unix(0, q.FirstReceive)
		return q.FirstReceive > 0, err
	})
	return at, err
}
