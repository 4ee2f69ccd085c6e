package metrics

import (
	"errors"
	"time"

	"carrier/dispatch"
	"carrier/message"
	"carrier/receiver"
)

// Values of labels that are not taken from elsewhere.
const (
	lost    = "lost"
	renewed = "ok"
	failed  = "failed"
	refused = "refused"
)

// Observe counts one event.
func (m *Metrics) Observe(e dispatch.Event) {
	switch e.Kind {
	case dispatch.Polled:
		m.received.Add(uint64(max(e.Count, 0)))
		m.lastReceive.Store(time.Now().UnixNano())
	case dispatch.Attempted:
		m.attempted(e)
	case dispatch.Settled:
		m.settle(e)
	case dispatch.Extended:
		m.extensions.inc(extension(e.Err))
	case dispatch.Stopping:
		m.draining.Store(true)
	case dispatch.Redelivered:
		m.duplicates.inc(e.Duplicate())
	}
}

// attempted counts requests, not the messages in them.
func (m *Metrics) attempted(e dispatch.Event) {
	code := e.Outcome.Code
	if code == "" || e.Outcome.Along {
		return
	}
	m.attempts.inc(code)
	if code == refused || e.Outcome.Cause == message.Unreached {
		return
	}
	m.took.observe(e.Took.Seconds())
	if e.Message != nil && !e.Message.Sent.IsZero() {
		m.age.observe(max(e.Message.Age()-max(e.Took, e.Outcome.Held), 0).Seconds())
	}
}

func (m *Metrics) settle(e dispatch.Event) {
	if !e.Lost() {
		m.settled.inc(e.Outcome.Label())
		if e.Outcome.Verdict == message.Rejected {
			m.rejected.inc(e.Outcome.Action.String())
		}
		if e.LeftToRedrive() {
			m.leftBehind.Add(1)
		}
		return
	}
	m.settled.inc(lost)
	if errors.Is(e.Err, receiver.ErrLeaseLost) {
		m.leasesLost.Add(1)
	}
}

// extension names the result of one renewal.
func extension(err error) string {
	switch {
	case err == nil:
		return renewed
	case errors.Is(err, receiver.ErrLeaseLost):
		return lost
	}
	return failed
}
