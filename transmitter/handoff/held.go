package handoff

import (
	"context"
	"time"

	"carrier/internal/http1"
	"carrier/message"
)

// A held is one message with a consumer.
type held struct {
	token   string
	message *message.Message
	lost    chan struct{} // closed when it ends without a verdict
	moved   chan struct{} // receives when expires has changed; holds one
	decided chan struct{} // closed once there is a verdict, or it is broken
	settled chan struct{} // closed once the source has agreed or not
	err     error         // what came of it, once settled

	// lease is what Extend is worth without For; zero is the table's.
	lease time.Duration

	// Guarded by the table's mu.
	expires time.Time
	posting *http1.Extension // of the POST that carries the token; nil where none is under way
	verdict *Verdict         // nil until there is one
	broken  *message.Outcome // what the end of its connection means; nil while that is there
}

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
	a.handed <- Handed{Token: h.token, Message: m, Deadline: h.expires, Lost: h.lost, Decided: h.decided} // it has room
	a.wants--
	t.wanted--
	if a.wants == 0 {
		t.leave(a)
	}
	return h
}

// hold makes a token for m. The lock is held.
func (t *Table) hold(m *message.Message, lease time.Duration) *held {
	// A verdict that let m go elsewhere, under the same lease, has had its effect.
	t.settle(m, nil)
	h := &held{
		token: newToken(), message: m, expires: time.Now().Add(lease), lost: make(chan struct{}),
		moved: make(chan struct{}, 1), decided: make(chan struct{}), settled: make(chan struct{}),
	}
	t.held[h.token] = h
	return h
}

// await waits for the verdict on h, or for the end of its lease or of ctx.
func (t *Table) await(ctx context.Context, h *held) message.Outcome {
	timer := time.NewTimer(t.left(h))
	defer timer.Stop()
	for {
		select {
		case <-h.decided:
			return t.outcome(h)
		case <-h.moved:
			timer.Reset(t.left(h))
		case <-timer.C:
			if left := t.left(h); left > 0 {
				timer.Reset(left)
			} else if t.end(h) {
				return message.Outcome{Cause: message.Failed, Code: "timeout", Reason: "the consumer neither settled nor extended it in time"}
			}
		case <-ctx.Done():
			if t.end(h) {
				return message.Outcome{Cause: message.Failed, Code: "error", Reason: "cut off: the drain time is over"}
			}
			return t.outcome(h)
		}
	}
}

func (t *Table) left(h *held) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(h.expires)
}

// outcome is what h's verdict means, or the end of its connection.
func (t *Table) outcome(h *held) message.Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.broken != nil {
		delete(t.held, h.token)
		return *h.broken
	}
	return h.verdict.outcome()
}

// end ends h without a verdict. It reports false where there is one.
func (t *Table) end(h *held) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.verdict != nil || h.broken != nil {
		return false
	}
	delete(t.held, h.token)
	t.ended.put(h, false)
	close(h.lost)
	return true
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
	if h := t.held[token]; h != nil && h.verdict == nil && h.broken == nil {
		h.broken = &o
		close(h.decided)
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
	delete(t.held, h.token)
	if err != nil {
		h.err = ErrLeaseEnded
	}
	t.ended.put(h, err == nil)
	close(h.settled)
}
