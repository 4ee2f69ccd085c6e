package handoff

import (
	"context"
	"sync"
	"time"

	"carrier/internal/contain"
	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter"
)

// afterVerdict is how long a POST may go on whose message was settled by its token meanwhile.
const afterVerdict = 30 * time.Second

// LateOptions is what a Late is made of.
type LateOptions struct {
	// Post makes one POST of m which carries token, and whose deadline is moved by x. Where the worker
	// answers later the outcome says for how long.
	Post func(ctx context.Context, m *message.Message, token string, x *http1.Extension) message.Outcome
	// Ready is that of the transmitter that posts.
	Ready func(ctx context.Context, promised int) (int, error)
	// Endpoint is where Post posts to, for people.
	Endpoint string
	// Lease is how much time the worker has after it has extended it without saying for how long.
	Lease time.Duration
}

// A Late posts messages with tokens of a table. A verdict that comes before the answer is the
// message's outcome: Transmit returns with it, and the POST goes on for a while, since it may be
// the worker's handler that gave the verdict, and waits for carrier to confirm it. An answer that
// says later keeps the token: Awaiting waits for the verdict then. Any other answer ends the token.
//
// It is safe for concurrent use.
type Late struct {
	table *Table
	o     LateOptions
	posts sync.WaitGroup
}

// Late returns a transmitter whose POSTs have tokens of t.
func (t *Table) Late(o LateOptions) *Late { return &Late{table: t, o: o} }

// Ready is that of the transmitter that posts.
func (l *Late) Ready(ctx context.Context, promised int) (int, error) { return l.o.Ready(ctx, promised) }

// Wait waits until no POST is under way. No Transmit may be under way, and their ctx must have ended.
func (l *Late) Wait() { l.posts.Wait() }

// Transmit makes one POST.
func (l *Late) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	if ctx.Err() != nil {
		return message.Outcome{}
	}
	begun := time.Now()
	h := l.table.post(m, l.o.Lease)
	answer := make(chan message.Outcome, 1)
	l.posts.Go(func() { answer <- l.post(ctx, h) })
	for ring := h.alarm.ring; ; {
		select {
		case o := <-answer:
			return l.table.answered(h, o, begun)
		case <-ring:
			if o, settled := l.table.settledBy(h, message.Outcome{Endpoint: l.o.Endpoint}, begun); settled {
				return o
			}
		}
	}
}

// post makes the POST of h. A panic is a failure.
func (l *Late) post(ctx context.Context, h *held) (o message.Outcome) {
	err := contain.Call(func() error {
		o = l.o.Post(ctx, h.message, h.token, h.posting)
		return nil
	})
	if err != nil {
		return message.Outcome{Cause: message.Failed, Code: "error", Reason: "the transmitter panicked: " + err.Error()}
	}
	return o
}

// post makes a token for a POST of m.
func (t *Table) post(m *message.Message, lease time.Duration) *held {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hold(m, 0)
	h.lease, h.posting = lease, new(http1.Extension)
	return h
}

// answered is the outcome of h's POST, which was answered with o, unless there was a verdict before.
func (t *Table) answered(h *held, o message.Outcome, begun time.Time) message.Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	h.posting = nil
	switch {
	case h.decided:
		o.Took = 0
		t.stopWaiting(h)
		return h.spoken(o, begun)
	case o.Later > 0:
		o.Attempted, o.Took = begun, time.Since(begun)
		if expires := time.Now().Add(o.Later); expires.After(h.expires) {
			h.expires = expires
		}
		t.late[h.message] = h
		return o
	}
	t.stopWaiting(h)
	delete(t.held, h.key)
	if o.Code != "" && o.Cause != message.Unreached { // else the worker has not seen the token
		t.ended.put(h, false)
	}
	return o
}

// settledBy is the outcome of h, if it has a verdict. o is what its POST was answered with.
func (t *Table) settledBy(h *held, o message.Outcome, begun time.Time) (_ message.Outcome, settled bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !h.decided {
		return message.Outcome{}, false
	}
	t.stopWaiting(h)
	return h.spoken(o, begun), true
}

// spoken is o with the verdict on h. The worker was there, whatever it said: the code is that of a
// success. The table's lock is held.
func (h *held) spoken(o message.Outcome, begun time.Time) message.Outcome {
	v := h.verdict.outcome()
	v.Status, v.Code, v.Endpoint = o.Status, "2xx", o.Endpoint
	switch h.verdict.Kind {
	case Retry:
		v.Reason = h.verdict.reasonOr("worker asked for a retry")
	case DeadLetter:
		v.Reason = h.verdict.reasonOr("worker asked for dead-letter")
	}
	v.TokenVerdict, v.Held = h.verdict.Kind.tokenVerdict(), time.Since(begun)
	v.Attempted, v.Took = begun, o.Took
	if v.Took == 0 {
		v.Took = v.Held
	}
	return v
}

// Awaiting wraps what posts with tokens of t, and waits for the verdicts on what was answered later.
// It belongs outside everything that looks at answers, such as a breaker, a hold or a failover.
func (t *Table) Awaiting(next transmitter.Transmitter) transmitter.Transmitter {
	return &awaiting{next, t}
}

type awaiting struct {
	transmitter.Transmitter
	table *Table
}

func (a *awaiting) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	o := a.Transmitter.Transmit(ctx, m)
	if o.Later <= 0 {
		return o
	}
	return a.table.awaitLate(ctx, m, o)
}

// awaitLate waits for the verdict on m, which was answered with o, or for the end of its time or of
// ctx: a failed attempt, which the source is told of.
func (t *Table) awaitLate(ctx context.Context, m *message.Message, o message.Outcome) message.Outcome {
	o.Later = 0
	h := t.takeLate(m)
	if h == nil {
		return o
	}
	begun := o.Attempted
	end := t.await(ctx, h)
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.decided {
		return h.spoken(o, begun)
	}
	o.Code, o.TokenVerdict, o.Held = end.Code, message.NoVerdict, time.Since(begun)
	o.Reason = "worker answered later, and gave no verdict in time"
	if ctx.Err() != nil {
		o.Reason = "worker answered later: the drain time is over"
	}
	return o
}

func (t *Table) takeLate(m *message.Message) *held {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.late[m]
	delete(t.late, m)
	return h
}
