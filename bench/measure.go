package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carrier/bench/figures"
	"carrier/bench/proc"
)

// The tools' stats, as far as scenarios read them.
type (
	queueStats struct {
		Put          int               `json:"put"`
		Visible      int               `json:"visible"`
		InFlight     int               `json:"in_flight"`
		Deleted      int               `json:"deleted"`
		Received     int               `json:"received"`
		DeletedAgain int               `json:"deleted_again"`
		DeletedLate  int               `json:"deleted_late"`
		Expired      int               `json:"expired"`
		GivenBack    int               `json:"given_back"`
		Calls        map[string]int    `json:"calls"`
		FirstReceive int64             `json:"first_receive"`
		CallTime     time.Duration     `json:"call_time"`
		Faults       map[string]uint64 `json:"faults"`
	}
	workerStats struct {
		Posts      int           `json:"posts"`
		Accepted   int           `json:"accepted"`
		Deferred   int           `json:"deferred"`
		Failed     int           `json:"failed"`
		Dropped    int           `json:"dropped"`
		Distinct   int           `json:"distinct"`
		Duplicates int           `json:"duplicates"`
		AtOnce     int           `json:"at_once"`
		Early      int           `json:"early"`
		CutOff     int           `json:"cut_off"`
		WrongSize  int           `json:"wrong_size"`
		InHand     int           `json:"in_hand"`
		MaxInHand  int           `json:"max_in_hand"`
		Busy       time.Duration `json:"busy"`
		FirstPost  int64         `json:"first_post"`
		P50        time.Duration `json:"p50"`
		P99        time.Duration `json:"p99"`
	}
	posterStats struct {
		OK      int            `json:"ok"`
		Refused map[string]int `json:"refused"`
		Errors  int            `json:"errors"`
		P50     time.Duration  `json:"p50"`
		P99     time.Duration  `json:"p99"`
	}
)

func (q queueStats) calls() int {
	n := 0
	for _, c := range q.Calls {
		n += c
	}
	return n
}

// A setup is the processes of one measurement: the subject, which is measured, and what
// stands around it. Queue is nil where the subject needs none.
type setup struct {
	subject, worker, queue *proc.Process
	hand                   int
}

// A moment is everything at one time.
type moment struct {
	at                              time.Time
	worker                          workerStats
	queue                           queueStats
	subjectCPU, workerCPU, queueCPU time.Duration
	machineCPU                      time.Duration
	subjectUser, subjectSystemTime  time.Duration
}

// read takes the costs of the subject last, so that reading disturbs its figure least.
func (s setup) read(ctx context.Context) (m moment, err error) {
	if s.queue != nil {
		err = errors.Join(err, s.queue.Ask(ctx, &m.queue))
		m.queueCPU, _ = s.queue.CPU()
	}
	err = errors.Join(err, s.worker.Ask(ctx, &m.worker))
	m.workerCPU, _ = s.worker.CPU()
	m.machineCPU, _ = proc.Busy()
	m.subjectUser, m.subjectSystemTime, _ = s.subject.Ticks()
	cpu, failed := s.subject.CPU()
	m.subjectCPU, m.at = cpu, time.Now()
	return m, errors.Join(err, failed)
}

// warm waits until the worker has taken some messages and at least a while has passed:
// connections are open then, and the subject's heap has its size.
func (s setup) warm(ctx context.Context, messages int, least time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := wait(ctx, least); err != nil {
		return err
	}
	return until(ctx, 20*time.Millisecond, func() (bool, error) {
		var w workerStats
		err := s.worker.Ask(ctx, &w)
		return w.Accepted >= messages, err
	})
}

// window measures for a while.
func (s setup) window(ctx context.Context, during time.Duration) (figures.Sample, error) {
	if err := s.worker.Order(ctx, "/mark"); err != nil {
		return nil, err
	}
	before, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, during); err != nil {
		return nil, err
	}
	after, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return s.compare(before, after)
}

// compare turns two moments into figures, and adds the subject's memory.
func (s setup) compare(before, after moment) (figures.Sample, error) {
	if after.worker.Accepted == before.worker.Accepted {
		return nil, errors.New("nothing was delivered")
	}
	if s.queue != nil && after.queue.Visible == 0 && s.hand > 0 {
		return nil, errors.New("the queue ran dry while measuring")
	}
	sample := s.costs(before, after)
	m, err := s.subject.Memory()
	sample["peak"], sample["anonymous"] = mebi(m.Peak), mebi(m.Anonymous)
	return sample, err
}

// costs divides what was spent by the messages that were accepted meanwhile.
func (s setup) costs(before, after moment) figures.Sample {
	n, took := float64(after.worker.Accepted-before.worker.Accepted), after.at.Sub(before.at)
	sample := figures.Sample{
		"rate":       n / took.Seconds(),
		"cpu":        micro(after.subjectCPU-before.subjectCPU) / n,
		"worker_cpu": micro(after.workerCPU-before.workerCPU) / n,
		"queue_cpu":  micro(after.queueCPU-before.queueCPU) / n,
		"cores":      (after.subjectCPU - before.subjectCPU).Seconds() / took.Seconds(),
		"p50":        milli(after.worker.P50),
		"p99":        milli(after.worker.P99),
		"early":      float64(after.worker.Early),
		"duplicates": float64(after.worker.Duplicates),
		"calls":      float64(after.queue.calls()-before.queue.calls()) / n,
	}
	ours := after.subjectCPU + after.workerCPU + after.queueCPU - before.subjectCPU - before.workerCPU - before.queueCPU
	sample["others"] = max(0, (after.machineCPU-before.machineCPU-ours).Seconds()/took.Seconds())
	user, system := after.subjectUser-before.subjectUser, after.subjectSystemTime-before.subjectSystemTime
	if user+system > 0 {
		sample["system"] = 100 * system.Seconds() / (user + system).Seconds()
	}
	if s.hand > 0 {
		sample["busy"] = (after.worker.Busy - before.worker.Busy).Seconds() / (took.Seconds() * float64(s.hand))
	}
	return sample
}

// until asks again and again, for as long as ctx allows.
func until(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		if err := wait(ctx, every); err != nil {
			return fmt.Errorf("waited in vain: %w", err)
		}
	}
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mebi(n int64) float64          { return float64(n) / (1 << 20) }
