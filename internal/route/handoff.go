package route

import (
	"context"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch"
	"carrier/transmitter"
	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/workerapi"
)

// consumers are the tables of all routes whose messages are handed over, or settled, at the worker
// address. They are complete when all routes are assembled.
type consumers struct {
	listens bool // there is a worker address
	routes  []workerapi.Route
	tables  handoff.Tables
	late    *handoff.Table // one of the tables; see lateTable
}

func (c *consumers) add(r workerapi.Route) {
	c.routes = append(c.routes, r)
	c.tables = append(c.tables, r.Table)
}

// observe tells the tables what came of settling a message.
func (c *consumers) observe(e dispatch.Event) {
	switch e.Kind {
	case dispatch.Settled:
		c.tables.Settled(e.Message, e.Err)
	case dispatch.Parked:
		c.tables.Settled(e.Message, nil)
	}
}

// reachConsumers makes the end where consumers ask for messages.
func reachConsumers(s site) (*end, error) {
	c := s.config
	table := handoff.New(handoff.Options{Lease: c.Pull.Lease, Asked: s.asked})
	s.metrics.WatchConsumers(table.Counts)
	s.consumers.add(workerapi.Route{
		Name: c.Name, Table: table, Asked: true, Most: c.Concurrency, ContentType: c.Webhook.ContentType,
		MaxHeaderBytes: int(c.Webhook.MaxHeaderBytes), UnwrapSNS: c.Webhook.Unwrap == config.SNS,
		Records: c.Webhook.BatchSize, Lease: c.Pull.Lease,
	})
	return &end{
		places: []string{c.Transmitter},
		ways:   []transmitter.Transmitter{table},
		// Nobody has to be waited for: whether consumers ask shows in what they take.
		run: []func(context.Context){func(context.Context) { s.status.Set("consumers", true, nil) }},
	}, nil
}

// OpenWorkerAPI listens on the worker address. It is called once, before Run, and where there is one.
func (rs *Routes) OpenWorkerAPI(ctx context.Context, c config.WorkerOptions) (*workerapi.Server, error) {
	var err error
	rs.workerAPI, err = workerapi.Open(ctx, workerapi.Options{
		Address: c.Address, Token: c.Token.Reveal(), Hosts: c.Hosts, Routes: rs.consumers.routes,
		Warn:     func(text string) { rs.log.Warn(text) },
		ErrorLog: zap.NewStdLog(rs.log.Named("worker")),
	})
	return rs.workerAPI, err
}
