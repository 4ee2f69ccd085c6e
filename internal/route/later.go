package route

import (
	"context"

	"carrier/config"
	"carrier/internal/http1"
	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/workerapi"
	"carrier/transmitter/webhook"
)

// lateTable is the table of the tokens that all webhooks of the process post with; nil where there is
// no worker address. c is the route that asks for it.
func (c *consumers) lateTable(of *config.Route) *handoff.Table {
	if c == nil || !c.listens {
		return nil
	}
	if c.late == nil {
		c.late = handoff.New(handoff.Options{Lease: of.Pull.Lease})
		c.add(workerapi.Route{Name: of.Name, Table: c.late})
	}
	return c.late
}

// awaiting waits for the verdicts on what workers have answered later: it is empty where none may.
func (c *consumers) awaiting() []transmitter.Middleware {
	if c.late == nil {
		return nil
	}
	return []transmitter.Middleware{c.late.Awaiting}
}

// late has hook post with tokens, where there is a worker address to settle them at. A request of
// several messages has none.
func (s site) late(e *end, hook *webhook.Transmitter, place string) transmitter.Transmitter {
	table := s.consumers.lateTable(s.config)
	if table == nil || perSlot(s.config) > 1 {
		return s.gather(hook)
	}
	lease := s.config.Pull.Lease
	l := table.Late(handoff.LateOptions{
		Ready: hook.Ready, Endpoint: place, Lease: lease,
		Post: func(ctx context.Context, m *message.Message, token string, x *http1.Extension) message.Outcome {
			return hook.TransmitAs(ctx, m, &webhook.Token{Value: token, Hold: lease, Extension: x})
		},
	})
	e.posts = append(e.posts, l)
	return l
}
