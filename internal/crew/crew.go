// Package crew keeps goroutines for the next job. A goroutine whose stack has grown to
// what a job needs does not have to grow it again: with a new one for each message, a
// tenth of the program's time went into copying stacks.
package crew

import (
	"sync"
	"time"
)

// idleLimit is how long a goroutine waits for another job.
const idleLimit = 5 * time.Second

// A Crew runs jobs, each in a goroutine that may have run others before. It is not
// bounded: whoever hands it jobs is.
type Crew struct {
	jobs    chan func()
	closed  chan struct{}
	closing sync.Once
	running sync.WaitGroup
}

// New returns a crew of nobody.
func New() *Crew { return &Crew{jobs: make(chan func()), closed: make(chan struct{})} }

// Go runs job, in a goroutine that is idle or, where none is, in a new one. It does not
// wait for it, may be called at once and from a job, and not after Close.
func (c *Crew) Go(job func()) {
	select {
	case c.jobs <- job:
	default:
		c.running.Go(func() { c.work(job) })
	}
}

// Close waits for the jobs under way and ends the goroutines.
func (c *Crew) Close() {
	c.closing.Do(func() { close(c.closed) })
	c.running.Wait()
}

func (c *Crew) work(job func()) {
	idle := time.NewTimer(idleLimit)
	defer idle.Stop()
	for {
		job()
		idle.Reset(idleLimit)
		select {
		case job = <-c.jobs:
		case <-idle.C:
			return
		case <-c.closed:
			return
		}
	}
}
