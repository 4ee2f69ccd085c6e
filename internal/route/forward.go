package route

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/receiver"
	"carrier/receiver/builtin"
	"carrier/receiver/preflight"
	"carrier/transmitter"
)

// reachForward makes the end that puts messages into a queue.
func reachForward(s site) (*end, error) {
	c := s.config.Target()
	target, err := builtin.NewTarget(c, "carrier/"+s.version, s.log, func(up bool, cause error) {
		s.status.set("connection", up, cause)
	})
	if err != nil {
		return nil, fault(s.config.Variable("CARRIER_FORWARD_TO"), err)
	}
	return &end{
		places: []string{c.String()},
		ways:   []transmitter.Transmitter{transmitter.Forward(transmitter.ForwardOptions{Target: target, Name: c.String(), OriginalID: receiver.OriginalIDAttribute})},
		run:    []func(context.Context){target.Run},
		close: func() {
			if err := target.Close(); err != nil {
				s.log.Warn("closing the queue that messages are forwarded to failed", zap.Error(err))
			}
		},
	}, nil
}

// checkForward opens the queue that messages of c are forwarded to. Nothing is put into it.
func checkForward(ctx context.Context, c *config.Route, version string) []preflight.Finding {
	t := c.Target()
	target, err := builtin.NewTarget(t, "carrier/"+version, zap.NewNop(), nil) //nolint:contextcheck // it dials nothing
	if err != nil {
		return []preflight.Finding{preflight.Fail.Finding(fmt.Sprintf("forward: %v", err))}
	}
	defer func() { _ = target.Close() }()
	if err := target.Open(ctx); err != nil {
		return []preflight.Finding{preflight.Failed("forward to "+t.String(), err)}
	}
	l, _ := target.Limits()
	return []preflight.Finding{preflight.OK.Finding(fmt.Sprintf("forward: %s is reached, and takes messages of %d bytes", t, l.Bytes))}
}
