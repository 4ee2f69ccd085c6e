package route

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/observe/metrics"
	"carrier/internal/route/workerup"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/builtin"
	"carrier/receiver/preflight"
	"carrier/transmitter"
)

// A forwarding is the queue that a route's messages go to. Producers' messages may go to it too, without
// passing through the route.
type forwarding struct {
	target  *publisher.Target
	metrics *metrics.Forwarding
	status  *workerup.Status // set by reachForward, before the queue is opened
}

// newForwarding makes the queue of c. It dials nothing. Its errors are faults of the configuration.
func newForwarding(c *config.Route, version string, log *zap.Logger, m *metrics.Metrics) (*forwarding, error) {
	f := &forwarding{metrics: m.WatchForward()}
	var err error
	f.target, err = builtin.NewTarget(c.Target(), "carrier/"+version, log, builtin.TargetObserver{
		Changed: func(up bool, cause error) {
			f.metrics.SetUp(up)
			f.status.Set("connection", up, cause)
		},
		Called: f.metrics.Called,
	})
	if err != nil {
		return nil, fault(c.Variable("CARRIER_FORWARD_TO"), err)
	}
	return f, nil
}

// reachForward makes the end that puts messages into a queue.
func reachForward(s site) (*end, error) {
	f := s.forwarding
	if f == nil {
		var err error
		if f, err = newForwarding(s.config, s.version, s.log, s.metrics); err != nil {
			return nil, err
		}
	}
	f.status = s.status
	name := s.config.Target().String()
	return &end{
		places: []string{name},
		ways:   []transmitter.Transmitter{transmitter.Forward(transmitter.ForwardOptions{Target: f.target, Name: name, OriginalID: receiver.OriginalIDAttribute})},
		run:    []func(context.Context){f.target.Run},
		close: func() {
			if err := f.target.Close(); err != nil {
				s.log.Warn("closing the queue that messages are forwarded to failed", zap.Error(err))
			}
		},
	}, nil
}

// checkForward opens the queue that messages of c are forwarded to. Nothing is put into it.
func checkForward(ctx context.Context, c *config.Route, version string) []preflight.Finding {
	t := c.Target()
	target, err := builtin.NewTarget(t, "carrier/"+version, zap.NewNop(), builtin.TargetObserver{}) //nolint:contextcheck // it dials nothing
	if err != nil {
		return []preflight.Finding{preflight.Fail.Finding(fmt.Sprintf("forward: %v", err))}
	}
	defer func() { _ = target.Close() }() //nolint:contextcheck // there is no call that could be open
	if err := target.Open(ctx); err != nil {
		return []preflight.Finding{preflight.Failed("forward to "+t.String(), err)}
	}
	l, _ := target.Limits()
	return []preflight.Finding{preflight.OK.Finding(fmt.Sprintf("forward: %s is reached, and takes messages of %d bytes", t, l.Bytes))}
}
