// Command poster does nothing but POST: the same bodies to the same address, a fixed
// number in flight, each as soon as the one before it is answered. With net/http it is
// the benchmark's ceiling; with the bare client, which costs least, it is the producers
// of the ingest scenarios.
package main

import (
	"flag"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"carrier/bench/control"
	"carrier/bench/engine"
	"carrier/bench/load"
)

func main() { control.Exit(run()) }

func run() error {
	p := &poster{}
	kind := flag.String("client", "nethttp", "nethttp or bare; or one that publishes: sqs, sqs-ten (ten messages a call), nats")
	flag.StringVar(&p.address, "address", "", "host:port to post to")
	flag.IntVar(&p.clients, "clients", 1, "POSTs in flight")
	flag.IntVar(&p.size, "size", 1024, "bytes in a body")
	dir := flag.String("tls", "", "post over TLS, trusting the certificate in this directory; nethttp only")
	limit := flag.Uint64("limit", 0, "POSTs in all; 0 for no limit")
	flag.Parse()
	p.limit.Store(*limit)
	dial, err := dialer(*kind, p.address, p.clients, *dir)
	if err != nil {
		return err
	}
	for range p.clients {
		go p.post(dial())
	}
	return control.Run("", control.Panel{
		Stats:  func() any { return p.read() },
		Orders: map[string]func(*http.Request) error{"/mark": p.mark, "/pause": p.pause, "/limit": p.raise},
	})
}

func dialer(kind, address string, clients int, dir string) (func() engine.Client, error) {
	switch kind {
	case "nethttp":
		return newNetHTTP(address, clients, dir)
	case "bare":
		return func() engine.Client { return &bare{address: address} }, nil
	}
	return engine.Open(kind, address, clients)
}

// A poster posts and counts.
type poster struct {
	address       string
	clients, size int
	next, limit   atomic.Uint64
	paused        atomic.Bool

	mu      sync.Mutex
	stats   stats
	latency load.Histogram
}

// stats is what the runner is told.
type stats struct {
	OK      int            `json:"ok"`      // answered 2xx
	Refused map[string]int `json:"refused"` // answered otherwise, by status
	Errors  int            `json:"errors"`  // not answered
	Last    int64          `json:"last"`    // the last 2xx, in nanoseconds since the epoch

	// Of the POSTs answered 2xx since the last /mark.
	P50 time.Duration `json:"p50"`
	P99 time.Duration `json:"p99"`
}

// pauseTime is how long a client waits that has nothing to do, or nobody to do it for.
const pauseTime = 10 * time.Millisecond

// post works until the program ends.
func (p *poster) post(c engine.Client) {
	rest := load.Rest(p.size)
	body := make([]byte, 0, p.size)
	for {
		if p.paused.Load() {
			time.Sleep(pauseTime)
			continue
		}
		n, more := p.take()
		if !more {
			time.Sleep(pauseTime)
			continue
		}
		sent := time.Now()
		body = append(load.AppendHead(body[:0], n, sent.UnixNano()), rest...)
		status, err := c.Post(body)
		if p.count(status, err, sent); err != nil || status >= 300 {
			time.Sleep(pauseTime)
		}
	}
}

// take returns the next number, each once, while there are any below the limit.
func (p *poster) take() (uint64, bool) {
	for {
		n, limit := p.next.Load(), p.limit.Load()
		if limit > 0 && n >= limit {
			return 0, false
		}
		if p.next.CompareAndSwap(n, n+1) {
			return n, true
		}
	}
}

func (p *poster) count(status int, err error, sent time.Time) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.stats.Errors++
	case status < 300:
		p.stats.OK++
		p.stats.Last = now.UnixNano()
		p.latency.Add(now.Sub(sent))
	default:
		if p.stats.Refused == nil {
			p.stats.Refused = map[string]int{}
		}
		p.stats.Refused[strconv.Itoa(status)]++
	}
}

func (p *poster) read() stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Refused = map[string]int{}
	for status, n := range p.stats.Refused {
		s.Refused[status] = n
	}
	s.P50, s.P99 = p.latency.Quantile(0.5), p.latency.Quantile(0.99)
	return s
}

// mark begins a new window for latencies.
func (p *poster) mark(*http.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency.Reset()
	return nil
}

// pause stops posting, or goes on with it: on=true, on=false.
func (p *poster) pause(r *http.Request) error {
	p.paused.Store(strings.EqualFold(r.FormValue("on"), "true"))
	return nil
}

// raise sets how many POSTs there are to be in all.
func (p *poster) raise(r *http.Request) error {
	n, err := strconv.ParseUint(r.FormValue("n"), 10, 64)
	if err == nil {
		p.limit.Store(n)
	}
	return err
}
