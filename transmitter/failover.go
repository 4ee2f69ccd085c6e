package transmitter

import (
	"context"
	"net/http"
	"sync"
	"time"

	"carrier/message"
)

// FailoverOptions is what a Failover is made of.
type FailoverOptions struct {
	// Endpoints are in the order in which they are tried; at least one. Each has its own Hold and
	// breaker, whose Ready tells whether it takes messages. What limits the route as a whole, such as
	// a rate, is wrapped around the Failover: an endpoint that is not ready is passed over.
	Endpoints []Transmitter
	// Attempted is told of each attempt but the one whose word Transmit returns, with Attempted and
	// Took set. It must not block, and is safe for concurrent use. Nil means nobody is told.
	Attempted func(m *message.Message, o message.Outcome)
}

// A Failover is a Transmitter over several endpoints. The first one that takes messages gets each;
// on a failure, a deferral, or where it cannot be reached, the same delivery goes on to the next,
// once the attempt before is over. A message that an endpoint has accepted or rejected goes no
// further; nor does one that it asks for again (X-Carrier-Action) with a status that says nothing
// of the kind, or by its token, now or later. When all fail it is deferred by the shortest delay
// that one asked for, else it has failed; where none was reached it is Unreached.
//
// All methods are safe for concurrent use.
type Failover struct {
	endpoints []*endpoint
	attempted func(*message.Message, message.Outcome)
}

// An endpoint is one of a Failover's.
type endpoint struct {
	Transmitter
	doubted chan struct{} // Run is to wait until it is ready again
}

// NewFailover returns a Failover; Run must run beside it.
func NewFailover(opts FailoverOptions) *Failover {
	f := &Failover{attempted: opts.Attempted}
	if f.attempted == nil {
		f.attempted = func(*message.Message, message.Outcome) {}
	}
	for _, t := range opts.Endpoints {
		f.endpoints = append(f.endpoints, &endpoint{Transmitter: t, doubted: make(chan struct{}, 1)})
	}
	return f
}

// Run has each endpoint that took no message probed until it does, so that messages go back to it,
// until ctx ends. It is called once.
func (f *Failover) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, e := range f.endpoints {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = e.Ready(ctx, 0) // whoever waits for it probes
				select {
				case <-e.doubted:
				case <-ctx.Done():
				}
			}
		})
	}
}

// Ready waits until the endpoints together can take more than promised messages.
func (f *Failover) Ready(ctx context.Context, promised int) (int, error) {
	known := make([]int, len(f.endpoints))
	for {
		all := 0
		for i, e := range f.endpoints {
			known[i] = Known(ctx, e, 0)
			all = saturated(all, known[i])
		}
		if all > promised {
			return all, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		firstOf(ctx, len(f.endpoints), func(ctx context.Context, i int) { _, _ = f.endpoints[i].Ready(ctx, known[i]) })
	}
}

// Down reports whether no endpoint takes messages. It does not wait.
func (f *Failover) Down() bool {
	down := true
	for _, e := range f.endpoints {
		if e.takesOne(context.Background()) {
			down = false
		}
	}
	return down
}

// Transmit hands m to one endpoint after the other until one's word ends that. It goes no further
// when ctx ends, or when too little is left of the message's lease.
func (f *Failover) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	word, tried := message.Outcome{Cause: message.Unreached, Reason: "no endpoint takes messages"}, false
	shortest := time.Duration(0)
	for _, e := range f.endpoints {
		if tried && (ctx.Err() != nil || m.Lapsed()) {
			break
		}
		if !e.takesOne(ctx) {
			continue
		}
		o := timed(ctx, e, m)
		switch {
		case tried && o == (message.Outcome{Reason: o.Reason}): // the stop came before it was handed over
			return deferredBy(word, shortest)
		case ctx.Err() != nil || !goesOn(o):
			f.tell(m, word)
			return o
		}
		if o.Cause == message.Deferred && (shortest == 0 || o.Delay < shortest) {
			shortest = o.Delay
		}
		word, tried = f.heavier(m, word, o), true
	}
	return deferredBy(word, shortest)
}

// heavier is which of two words of endpoints in a row is kept: the later one, unless nothing was
// handed over there. The other is told of.
func (f *Failover) heavier(m *message.Message, word, later message.Outcome) message.Outcome {
	if later.Cause == message.Unreached && word.Cause != message.Unreached {
		f.tell(m, later)
		return word
	}
	f.tell(m, word)
	return later
}

func (f *Failover) tell(m *message.Message, o message.Outcome) {
	if o.Code != "" {
		f.attempted(m, o)
	}
}

// takesOne reports whether e takes a message. Where it takes none Run waits until it does.
func (e *endpoint) takesOne(ctx context.Context) bool {
	if Known(ctx, e, 0) > 0 {
		return true
	}
	select {
	case e.doubted <- struct{}{}:
	default:
	}
	return false
}

// timed is one Transmit whose outcome says when it began and how long it took.
func timed(ctx context.Context, t Transmitter, m *message.Message) message.Outcome {
	begun := time.Now()
	o := t.Transmit(ctx, m)
	if o.Code != "" {
		o.Attempted, o.Took = begun, time.Since(begun)
	}
	return o
}

// goesOn reports whether a message that an endpoint answered with o is handed to the next one.
func goesOn(o message.Outcome) bool {
	if o.Verdict != message.Retry || o.Cause == message.Returned {
		return false
	}
	if o.TokenVerdict != message.NoToken { // by token, before the answer
		return false
	}
	switch o.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return o.Status < 100 || o.Status >= 500
	}
}

func deferredBy(o message.Outcome, delay time.Duration) message.Outcome {
	if delay > 0 {
		o.Cause, o.Delay = message.Deferred, delay
	}
	return o
}

// Known says how many messages t is known to take, without waiting and whether or not ctx has ended;
// zero where that is no more than promised.
func Known(ctx context.Context, t Transmitter, promised int) int {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	n, err := t.Ready(ended, promised)
	if err != nil {
		return 0
	}
	return n
}

// firstOf makes n calls of wait at once. The context of the others ends when the first returns; it
// returns when all have.
func firstOf(ctx context.Context, n int, wait func(ctx context.Context, i int)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			defer cancel()
			wait(ctx, i)
		})
	}
	all.Wait()
}

func saturated(a, b int) int {
	if a > Unlimited-b {
		return Unlimited
	}
	return a + b
}
