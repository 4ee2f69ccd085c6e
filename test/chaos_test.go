package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The promise, under fire: at-least-once; duplicates only for messages in flight at a
// fault; per-group order never broken by us; an ingest 2xx means the message is fsynced.

// chaosTime is how long the program is killed again and again: some seconds, or what
// CARRIER_CHAOS says.
func chaosTime(t *testing.T) time.Duration {
	t.Helper()
	given := os.Getenv("CARRIER_CHAOS")
	if given == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(given)
	must(t, err)
	return d
}

const (
	chaosConcurrency = 16
	chaosProducers   = 4
	// chaosBacklog keeps the producers from running away from the worker.
	chaosBacklog = 120
	// mostInFlight is what the program may have in flight that the worker has accepted: one in
	// each slot, and the settlements under way.
	mostInFlight = chaosConcurrency + 32
)

// A chaos is one run of the program's many lives.
type chaos struct {
	*bench
	ledger *ledger
	kind   string
	done   chan struct{} // closed when no more is produced
	feeds  sync.WaitGroup
}

// newChaos prepares a run whose worker answers as choose says.
func newChaos(t *testing.T, kind string, by way, choose func() answer) *chaos {
	t.Helper()
	l := newLedger()
	w := by.newWorker(t, l.say(choose))
	w.forget, w.answered, w.refused, w.life = true, l.answered, l.refused, l.now
	b := prepare(t, kind, w, env{
		"CARRIER_CONCURRENCY": fmt.Sprint(chaosConcurrency), "CARRIER_LOG_LEVEL": "info",
		"CARRIER_SQS_WAIT_TIME": "1s", "CARRIER_SQS_VISIBILITY_TIMEOUT": "2s", "CARRIER_INGEST_LEASE": "2s",
	})
	for name := range b.env {
		if kind == ofIngest && strings.HasPrefix(name, "CARRIER_SQS_") {
			delete(b.env, name)
		}
	}
	c := &chaos{bench: b, ledger: l, kind: kind, done: make(chan struct{})}
	t.Cleanup(c.stopFeeding)
	return c
}

// live starts the next life of the program.
func (c *chaos) live() {
	c.t.Helper()
	c.env = c.env.with(c.ledger.begin())
	c.start()
}

func (c *chaos) stopFeeding() {
	select {
	case <-c.done:
	default:
		close(c.done)
	}
	c.feeds.Wait()
}

// A chaosRun is a source and a way.
type chaosRun struct {
	kind string
	by   way
}

func (r chaosRun) String() string { return r.kind + " " + string(r.by) }

func TestKilledCarrierLosesNothing(t *testing.T) {
	t.Parallel()
	for _, run := range []chaosRun{
		{ofIngest, ofWebhook}, {ofSQS, ofWebhook}, {ofSQSFIFO, ofWebhook}, {ofFaux, ofWebhook}, {ofIngest, ofPull}, {ofSQSFIFO, ofPull},
	} {
		t.Run(run.String(), func(t *testing.T) {
			t.Parallel()
			c := newChaos(t, run.kind, run.by, flakyWorker)
			c.begin()
			if s, fake := c.source.(*sqsSource); fake {
				s.server.OnCall(flakySource)
			}
			kills := 0
			for begun := time.Now(); kills < 4 || time.Since(begun) < chaosTime(t); kills++ {
				c.live()
				if rand.IntN(4) > 0 {
					c.awaitReady() // else it may die in its start
				}
				time.Sleep(time.Duration(rand.IntN(800)) * time.Millisecond)
				c.kill()
			}
			c.stopFeeding()
			if s, fake := c.source.(*sqsSource); fake {
				s.server.Heal()
			}
			c.live()
			c.awaitReady()
			c.awaitEmpty()
			c.stop()
			c.ledger.close(t, false)
			report(t, c, kills)
		})
	}
}

func report(t *testing.T, c *chaos, kills int) {
	t.Helper()
	total := 0
	for life, n := range c.ledger.duplicates() {
		total += n
		if n > mostInFlight {
			t.Errorf("the end of life %d has made %d duplicates, more than can have been in flight", life, n)
		}
	}
	if len(c.ledger.promised) == 0 {
		t.Error("nothing was stored at all")
	}
	if twice := c.worker.twice(); len(twice) > 0 && kills == 0 {
		t.Errorf("posted while they were being answered: %q", twice)
	}
	t.Logf("%d messages stored, %d kills, %d duplicates of messages in flight", len(c.ledger.promised), kills, total)
}

// TestWithoutAFaultNothingIsDuplicated is the twin: the same load, but the program is
// stopped in good order.
func TestWithoutAFaultNothingIsDuplicated(t *testing.T) {
	t.Parallel()
	for _, run := range []chaosRun{{ofIngest, ofWebhook}, {ofSQS, ofWebhook}, {ofSQSFIFO, ofWebhook}, {ofIngest, ofPull}, {ofSQS, ofPull}} {
		t.Run(run.String(), func(t *testing.T) {
			t.Parallel()
			c := newChaos(t, run.kind, run.by, func() answer {
				if rand.IntN(50) == 0 {
					return after(300*time.Millisecond, says(200))
				}
				return after(time.Duration(rand.IntN(8))*time.Millisecond, says(200))
			})
			c.begin()
			stops := 0
			for begun := time.Now(); stops < 3 || time.Since(begun) < chaosTime(t); stops++ {
				c.live()
				c.awaitReady()
				time.Sleep(time.Duration(rand.IntN(800)) * time.Millisecond)
				c.Signal(syscall.SIGTERM)
				c.wait()
				if c.code != 0 {
					t.Errorf("exit code %d", c.code)
				}
			}
			c.stopFeeding()
			c.live()
			c.awaitReady()
			c.awaitEmpty()
			c.stop()
			c.ledger.close(t, true)
			report(t, c, 0)
			t.Logf("%d stops", stops)
		})
	}
}
