package dispatch

import (
	"context"
)

// settleAsEarlier waits until the earlier hand-out of m's message is over. What became of that one
// becomes of m, without a second post. If it was never posted or was given back, m is a hand-out of
// its own: a source may hand out what was given back before we have noted that it agreed.
func (d *Dispatcher) settleAsEarlier(receiving, working context.Context, earlier, m *delivery) {
	<-earlier.done
	givenBack := earlier.settled && !earlier.outcome.Ends()
	if (earlier.unposted || givenBack) && receiving.Err() == nil {
		d.admit(receiving, working, m)
		return
	}
	d.o.Observe(Event{Kind: Redelivered, Message: m.Message})
	switch {
	case d.registry.ended.has(m.ID):
		m.outcome = removal()
	case !givenBack:
		m.outcome = earlier.outcome
	}
	m.unposted = earlier.unposted || givenBack
	d.settleHead(working, m, false)
}

// earlierEnded reports whether an earlier hand-out of m's message has left the queue while m
// waited behind it in their lane. What became of that one becomes of m then, without a post.
func (d *Dispatcher) earlierEnded(m *delivery) bool {
	if m.earlier == nil {
		return false
	}
	<-m.earlier.done
	if !m.earlier.outcome.Ends() {
		return false
	}
	m.outcome = m.earlier.outcome
	d.observe(Redelivered, m, 0)
	return true
}
