package handoff

import (
	"context"
	"time"

	"carrier/message"
)

// A held is one message with a consumer.
type held struct {
	token   string
	message *message.Message
	expires time.Time     // guarded by the table's mu
	moved   chan struct{} // receives when expires has changed; holds one
	verdict *Verdict      // nil until there is one; guarded by the table's mu
	decided chan struct{} // closed once there is a verdict
	settled chan struct{} // closed once the source has agreed or not
	err     error         // what came of it, once settled
	unread  bool          // it could not be written to the consumer
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
	a.handed <- Handed{Token: h.token, Message: m, Deadline: h.expires} // it has room
	a.wants--
	t.wanted--
	if a.wants == 0 {
		t.leave(a)
	}
	return h
}

// hold makes a token for m. The lock is held.
func (t *Table) hold(m *message.Message, lease time.Duration) *held {
	h := &held{
		token: newToken(), message: m, expires: time.Now().Add(lease),
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
			if t.end(h, ErrLeaseEnded) {
				return message.Outcome{Cause: message.Failed, Code: "timeout", Reason: "the consumer neither settled nor extended it in time"}
			}
		case <-ctx.Done():
			if t.end(h, ErrLeaseEnded) {
				return message.Outcome{Cause: message.Failed, Code: "error", Reason: "cut off: the drain time is over"}
			}
		}
	}
}

func (t *Table) left(h *held) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(h.expires)
}

// outcome is what h's verdict means.
func (t *Table) outcome(h *held) message.Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.unread {
		delete(t.held, h.token)
		return message.Outcome{Cause: message.Unreached, Reason: "it could not be written to the consumer"}
	}
	return h.verdict.outcome()
}

// end ends h without a verdict, because of err. It reports false where there is a verdict, or the
// lease was extended meanwhile.
func (t *Table) end(h *held, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.verdict != nil || h.unread {
		return false
	}
	delete(t.held, h.token)
	t.ended.put(h.token, nil, err)
	return true
}

// Unread says that a message could not be written to its consumer: it was not handed over.
func (t *Table) Unread(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.held[token]; h != nil && h.verdict == nil && !h.unread {
		h.unread = true
		close(h.decided)
	}
}

// Settled says what came of settling m at its source; err is nil where the source agreed. The
// dispatcher's observer calls it once for each message.
func (t *Table) Settled(m *message.Message, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.deciding[m]
	if h == nil {
		return
	}
	delete(t.deciding, m)
	delete(t.held, h.token)
	if err != nil {
		h.err = ErrLeaseEnded
	}
	t.ended.put(h.token, h.verdict, h.err)
	close(h.settled)
}
