// Package gopool keeps goroutines for the next job. A goroutine whose stack has grown to what a job
// needs does not have to grow it again: with a new one for each message, a tenth of the program's
// time went into copying stacks.
package gopool

import (
	"sync"
	"time"
)

// idleLimit is how long a goroutine waits for another job.
const idleLimit = 5 * time.Second

// longJob is how long a job takes after which its goroutine ends: a new one's stack grows only as far
// as the next job needs, which is no cost beside such a job. Else a process with many long polls would
// keep a stack for each that is as large as what was once needed for a handshake.
const longJob = time.Second

// A Pool runs jobs, each in a goroutine that may have run others before. It is not bounded: whoever
// hands it jobs is.
type Pool struct {
	jobs    chan func()
	closed  chan struct{}
	closing sync.Once
	running sync.WaitGroup
}

// New returns an empty pool.
func New() *Pool { return &Pool{jobs: make(chan func()), closed: make(chan struct{})} }

// Go runs job, in a goroutine that is idle or, where none is, in a new one. It does not wait for
// it. It is safe for concurrent use, also from a job, and must not be called after Close.
func (p *Pool) Go(job func()) {
	select {
	case p.jobs <- job:
	default:
		p.running.Go(func() { p.work(job) })
	}
}

// Close waits for the jobs under way and ends the goroutines.
func (p *Pool) Close() {
	p.closing.Do(func() { close(p.closed) })
	p.running.Wait()
}

func (p *Pool) work(job func()) {
	idle := time.NewTimer(idleLimit)
	defer idle.Stop()
	for {
		began := time.Now()
		job()
		if time.Since(began) >= longJob {
			return
		}
		idle.Reset(idleLimit)
		select {
		case job = <-p.jobs:
		case <-idle.C:
			return
		case <-p.closed:
			return
		}
	}
}
