// Command fanout measures what subscriptions cost in carrier's queue file, without HTTP: storing for
// many of them, and delivering to some while another one lets a backlog grow. It prints one line of
// JSON and ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"carrier/bench/control"
	"carrier/internal/queue"
)

func main() { control.Exit(run()) }

// result is what the runner is told.
type result struct {
	Rate float64       `json:"rate"` // messages a second: stored, or delivered to each that keeps up
	CPU  time.Duration `json:"cpu"`  // for one message
	// Backlog is what the one that is dead waits for, in messages, and File the file's size in bytes.
	Backlog int   `json:"backlog"`
	File    int64 `json:"file"`
}

type options struct {
	dir                            string
	size, producers, subscriptions int
	backlog                        int
	dead                           bool
	during                         time.Duration
}

func run() error {
	var o options
	what := flag.String("what", "store", "store: for a number of subscriptions; deliver: to all of them but a dead one")
	flag.StringVar(&o.dir, "dir", ".", "directory of the queue file")
	flag.IntVar(&o.size, "size", 1024, "bytes in a body")
	flag.IntVar(&o.producers, "producers", 64, "concurrent producers")
	flag.IntVar(&o.subscriptions, "subscriptions", 1, "subscriptions that get each message")
	flag.BoolVar(&o.dead, "dead", false, "deliver: one subscription more that takes nothing")
	flag.IntVar(&o.backlog, "backlog", 0, "deliver: messages that are delivered before the measurement")
	flag.DurationVar(&o.during, "for", 2*time.Second, "how long to measure")
	flag.Parse()
	measure := map[string]func(*queue.Queue, options) (result, error){"store": store, "deliver": deliver}[*what]
	if measure == nil {
		return fmt.Errorf("cannot measure %q", *what)
	}
	q, err := open(o)
	if err != nil {
		return err
	}
	r, err := measure(q, o)
	if err != nil {
		return errors.Join(err, q.Close())
	}
	if info, err := os.Stat(o.dir + "/queue.db"); err == nil {
		r.File = info.Size()
	}
	return errors.Join(json.NewEncoder(os.Stdout).Encode(r), q.Close())
}

func open(o options) (*queue.Queue, error) {
	n := o.subscriptions
	if o.dead {
		n++
	}
	var all []queue.SubscriptionOptions
	for i := range n {
		all = append(all, queue.SubscriptionOptions{Name: fmt.Sprint("s", i)})
	}
	return queue.Open(queue.Options{Dir: o.dir, Subscriptions: all, Lease: time.Hour})
}

// store measures storing while nothing is delivered.
func store(q *queue.Queue, o options) (result, error) {
	p := produce(q, o, func(int64) bool { return true })
	used, begun, before := cpu(), time.Now(), p.stored.Load()
	time.Sleep(o.during)
	n := float64(p.stored.Load() - before)
	r := result{Rate: n / time.Since(begun).Seconds(), CPU: time.Duration(float64(cpu()-used) / n)}
	return r, p.end()
}

// deliver measures how many messages a second are stored and delivered to each subscription that
// is not dead, once so many have been as the backlog is to be. Producers wait for who is behind.
func deliver(q *queue.Queue, o options) (result, error) {
	ctx, cancel := context.WithCancel(context.Background())
	var consumers sync.WaitGroup
	delivered := make([]atomic.Int64, o.subscriptions)
	for i := range o.subscriptions {
		consumers.Go(func() { consume(ctx, q, i, &delivered[i]) })
	}
	least := func() int64 {
		n := delivered[0].Load()
		for i := range delivered {
			n = min(n, delivered[i].Load())
		}
		return n
	}
	const ahead = 2000
	p := produce(q, o, func(stored int64) bool { return stored-least() < ahead })
	for least() < int64(o.backlog) && p.failed.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	used, begun, before := cpu(), time.Now(), least()
	time.Sleep(o.during)
	n := float64(least() - before)
	r := result{Rate: n / time.Since(begun).Seconds(), CPU: time.Duration(float64(cpu()-used) / n)}
	err := p.end()
	cancel()
	consumers.Wait()
	if o.dead {
		r.Backlog = q.Subscription(o.subscriptions).Counts().Messages
	}
	return r, err
}

// consume takes what subscription i gets, until ctx ends.
func consume(ctx context.Context, q *queue.Queue, i int, delivered *atomic.Int64) {
	for {
		batch, err := q.Subscription(i).Receive(ctx, 200)
		if err != nil {
			return
		}
		var settling sync.WaitGroup
		for _, d := range batch {
			settling.Go(func() {
				if d.Remove(ctx) == nil {
					delivered.Add(1)
				}
			})
		}
		settling.Wait()
	}
}

// producers store messages, each the next one when the last is stored.
type producers struct {
	stored  atomic.Int64
	failed  atomic.Pointer[error]
	stop    context.CancelFunc
	running sync.WaitGroup
}

// produce starts them. Each waits while may says no to the number of messages that are stored.
func produce(q *queue.Queue, o options, may func(stored int64) bool) *producers {
	p := &producers{}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	body := make([]byte, o.size)
	for range o.producers {
		p.running.Go(func() {
			for ctx.Err() == nil {
				if !may(p.stored.Load()) {
					time.Sleep(time.Millisecond)
					continue
				}
				if _, err := q.Put(ctx, queue.Entry{Body: body}); err != nil {
					if ctx.Err() == nil {
						p.failed.Store(&err)
					}
					return
				}
				p.stored.Add(1)
			}
		})
	}
	return p
}

func (p *producers) end() error {
	p.stop()
	p.running.Wait()
	if err := p.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
