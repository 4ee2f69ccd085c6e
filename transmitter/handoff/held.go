package handoff

import (
	"context"
	"time"

	"carrier/internal/http1"
	"carrier/message"
)

// A held is one message with a consumer.
type held struct {
	key     key
	token   string
	message *message.Message
	watch   Watch // of its consumer; nil where nobody watches

	// lease is what Extend is worth without For; zero is the table's.
	lease time.Duration

	// Guarded by the table's mu.
	alarm     *alarm // of whoever waits for its end; nil once nobody does
	expires   time.Time
	posting   *http1.Extension // of the POST that carries the token; nil where none is under way
	decided   bool             // there is a verdict
	verdict   Verdict
	broken    *message.Outcome // what the end of its connection means; nil while that is there
	settled   bool             // the source has agreed to the verdict or not
	err       error            // what came of it, once settled
	listeners []Listener       // for that
}

// An alarm wakes one that waits for the end of a message with a consumer.
type alarm struct {
	ring  chan struct{} // receives when something has changed; holds one
	timer *time.Timer
}

// mostIdle is how many alarms are kept for later.
const mostIdle = 1000

// Transmit gives m to the consumer that has asked longest, and waits for its verdict. Where none asks
// any more nothing is handed over, and the outcome is an Unreached.
func (t *Table) Transmit(ctx context.Context, m *message.Message) message.Outcome {
	if ctx.Err() != nil {
		return message.Outcome{}
	}
	h := t.handOver(m)
	if h == nil {
		return message.Outcome{Cause: message.Unreached, Reason: "no consumer asks for it any more"}
	}
	return t.await(ctx, h)
}

// handOver makes a token for m and gives it to a consumer; nil where none asks.
func (t *Table) handOver(m *message.Message) *held {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.asks) == 0 {
		return nil
	}
	a := t.asks[0]
	h := t.hold(m, a.lease)
	h.watch = a.watch
	a.handed <- Handed{Token: h.token, Message: m, Deadline: h.expires} // it has room
	if a.watch != nil {
		a.watch.Handed()
	}
	a.wants--
	t.wanted--
	if a.wants == 0 {
		t.leave(a)
		select {
		case a.full <- struct{}{}:
		default:
		}
	}
	return h
}

// hold makes a token for m. The lock is held.
func (t *Table) hold(m *message.Message, lease time.Duration) *held {
	// A verdict that let m go elsewhere, under the same lease, has had its effect.
	t.settle(m, nil)
	k := t.tokens.next()
	h := &held{key: k, token: tokenOf(k), message: m, expires: time.Now().Add(lease), alarm: t.takeAlarm()}
	t.held[k] = h
	return h
}

// takeAlarm returns an alarm. The lock is held.
func (t *Table) takeAlarm() *alarm {
	n := len(t.idle)
	if n == 0 {
		return &alarm{ring: make(chan struct{}, 1)}
	}
	a := t.idle[n-1]
	t.idle = t.idle[:n-1]
	return a
}

// stopWaiting ends the waiting for h, which has ended: nobody rings any more. The lock is held.
func (t *Table) stopWaiting(h *held) {
	a := h.alarm
	h.alarm = nil
	select {
	case <-a.ring:
	default:
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	if len(t.idle) < mostIdle {
		t.idle = append(t.idle, a)
	}
}

// wake has whoever waits for h look at it again. The lock is held.
func (h *held) wake() {
	if h.alarm == nil {
		return
	}
	select {
	case h.alarm.ring <- struct{}{}:
	default:
	}
}

// end tells of h's end, and wakes. The lock is held.
func (h *held) end(lost bool) {
	if h.watch != nil {
		h.watch.Ended(h.token, lost)
	}
	h.wake()
}

// await waits for the verdict on h, or for the end of its lease or of ctx.
func (t *Table) await(ctx context.Context, h *held) message.Outcome {
	a := h.alarm
	for {
		if o, over := t.look(ctx, h); over {
			return o
		}
		select {
		case <-a.ring:
		case <-a.timer.C:
		case <-ctx.Done():
		}
	}
}

// look says what has become of h. While that is open it sets the alarm's timer.
func (t *Table) look(ctx context.Context, h *held) (o message.Outcome, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch left := time.Until(h.expires); {
	case h.broken != nil:
		delete(t.held, h.key)
		o = *h.broken
	case h.decided:
		o = h.verdict.outcome()
	case ctx.Err() != nil:
		t.lose(h)
		o = message.Outcome{Cause: message.Failed, Code: "error", Reason: "cut off: the drain time is over"}
	case left <= 0:
		t.lose(h)
		o = message.Outcome{Cause: message.Failed, Code: "timeout", Reason: "the consumer neither settled nor extended it in time"}
	default:
		h.alarm.set(left)
		return o, false
	}
	t.stopWaiting(h)
	return o, true
}

// set has the alarm's timer end after left.
func (a *alarm) set(left time.Duration) {
	if a.timer == nil {
		a.timer = time.NewTimer(left)
		return
	}
	a.timer.Reset(left)
}

// lose ends h without a verdict. The lock is held.
func (t *Table) lose(h *held) {
	delete(t.held, h.key)
	t.ended.put(h, false)
	h.end(true)
}

// Unread says that a message could not be written to its consumer: it was not handed over, and waits
// for the next one that asks.
func (t *Table) Unread(token string) {
	t.breaks(token, message.Outcome{Cause: message.Unreached, Reason: "it could not be written to the consumer"})
}

// Abandon says that the consumer of a message has gone: a failed attempt. It does nothing where there
// is a verdict.
func (t *Table) Abandon(token string) {
	t.breaks(token, message.Outcome{Cause: message.Failed, Code: "error", Reason: "the consumer has gone without settling it"})
}

func (t *Table) breaks(token string, o message.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.find(token); h != nil && !h.decided && h.broken == nil {
		h.broken = &o
		h.end(false)
	}
}

// Settled says what came of settling m at its source: err is nil where the source agreed, or where
// the message is kept under its lease until its delay is over. The dispatcher's observer calls it.
func (t *Table) Settled(m *message.Message, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle(m, err)
}

// settle is Settled. The lock is held.
func (t *Table) settle(m *message.Message, err error) {
	h := t.deciding[m]
	if h == nil {
		return
	}
	delete(t.deciding, m)
	delete(t.held, h.key)
	if h.settled = true; err != nil {
		h.err = ErrLeaseEnded
	}
	t.ended.put(h, err == nil)
	for _, l := range h.listeners {
		l.Agreed(h.token, h.err)
	}
	h.listeners = nil
}
