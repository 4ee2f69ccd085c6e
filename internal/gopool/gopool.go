// Package gopool keeps goroutines for the next job. A goroutine whose stack has grown to what a job
// needs does not have to grow it again: with a new one for each message, a tenth of the program's
// time went into copying stacks.
package gopool

import (
	"sync"
	"time"
)

// idleLimit is how often a pool ends the goroutines that had no job in all the time since: one is kept
// for no longer than twice that.
const idleLimit = 2 * time.Second

// longJob is how long a job takes after which its goroutine ends: a new one's stack grows only as far
// as the next job needs, which is no cost beside such a job. Else a process with many long polls would
// keep a stack for each that is as large as what was once needed for a handshake.
const longJob = time.Second

// A Pool runs jobs, each in a goroutine that may have run others before. It is not bounded: whoever
// hands it jobs is.
type Pool struct {
	running sync.WaitGroup

	mu     sync.Mutex
	idle   []chan func() // of the goroutines without a job; the last to rest is the first to work
	spare  int           // the fewest that were idle at once since the last trim
	timer  *time.Timer   // of the next trim, while there are idle ones
	closed bool
}

// New returns an empty pool.
func New() *Pool { return &Pool{} }

// Go runs job, in the goroutine that has been idle for the shortest time or, where none is, in a new
// one. It does not wait for it. It is safe for concurrent use, also from a job, and must not be called
// after Close.
func (p *Pool) Go(job func()) {
	if jobs := p.wake(); jobs != nil {
		jobs <- job
		return
	}
	p.running.Go(func() { p.work(job) })
}

// Close waits for the jobs under way and ends the goroutines.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.end(len(p.idle))
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *Pool) work(job func()) {
	jobs := make(chan func(), 1)
	for ok := true; ok; job, ok = <-jobs {
		began := time.Now()
		job()
		if time.Since(began) >= longJob || !p.rest(jobs) {
			return
		}
	}
}

// wake takes an idle goroutine, and returns where its job is waited for; nil where none is idle.
func (p *Pool) wake() chan func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	p.spare = min(p.spare, max(last, 0))
	if last < 0 {
		return nil
	}
	jobs := p.idle[last]
	p.idle = p.idle[:last]
	return jobs
}

// rest notes that the goroutine which reads jobs is idle, and reports whether it is to wait for one.
func (p *Pool) rest(jobs chan func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.idle = append(p.idle, jobs)
	if p.timer == nil {
		p.spare = 0
		p.timer = time.AfterFunc(idleLimit, p.trim)
	}
	return true
}

// trim ends the goroutines that were spare since the last time.
func (p *Pool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.end(p.spare)
	if p.spare = len(p.idle); p.spare == 0 {
		p.timer = nil
		return
	}
	p.timer.Reset(idleLimit)
}

// end ends the n goroutines that have been idle for longest. The caller holds mu.
func (p *Pool) end(n int) {
	for _, jobs := range p.idle[:n] {
		close(jobs)
	}
	kept := copy(p.idle, p.idle[n:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
}
