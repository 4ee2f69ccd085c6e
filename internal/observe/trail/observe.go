package trail

import (
	"time"

	"carrier/dispatch"
	"carrier/internal/redact"
	"carrier/message"
	"carrier/receiver"
)

// lost is how a message ends whose source has not agreed to its outcome.
const lost = "lost"

// A Route notes the events of one route in a trail. It is safe for concurrent use.
type Route struct {
	trail *Trail
	name  string
}

// Route returns what notes the events of the route called name.
func (t *Trail) Route(name string) *Route { return &Route{t, name} }

// Observe notes attempts that were made and messages that have ended. It does not block.
func (r *Route) Observe(e dispatch.Event) {
	switch e.Kind {
	case dispatch.Attempted:
		if e.Outcome.Code != "" && e.Outcome.Cause != message.Unreached {
			r.trail.Attempt(r.attempt(e))
		}
	case dispatch.Settled:
		r.trail.Settlement(r.settlement(e))
	}
}

func (r *Route) attempt(e dispatch.Event) Attempt {
	m, o := e.Message, e.Outcome
	if o.Ends() {
		o.Delay = 0 // is for the case that the source cannot do what the outcome says
	}
	return Attempt{
		Time: time.Now(), Route: r.name, MessageID: redact.Text(m.ID),
		Attempt: m.FailedAttempts() + 1, ReceiveCount: m.ReceiveCount,
		Endpoint: o.Endpoint, Status: o.Status, TookMS: e.Took.Milliseconds(),
		Outcome: o.Label(), DelayMS: o.Delay.Milliseconds(), Reason: redact.Text(o.Reason),
	}
}

func (r *Route) settlement(e dispatch.Event) Settlement {
	m, o := e.Message, e.Outcome
	s := Settlement{
		Time: time.Now(), Route: r.name, MessageID: redact.Text(m.ID), Outcome: o.Label(),
		Attempts: receiver.Attempts(m, o), AgeMS: m.Age().Milliseconds(), SettleMS: e.Took.Milliseconds(), OK: true,
		Verdict: o.TokenVerdict.String(), HeldMS: o.Held.Milliseconds(),
	}
	if e.Lost() {
		s.Outcome, s.OK = lost, false
	}
	return s
}
