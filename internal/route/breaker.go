package route

import (
	"go.uber.org/zap"

	"carrier/transmitter"
)

// breaker returns the breaker of an endpoint; none where it is turned off.
func (e *end) breaker(s site, endpoint string) []transmitter.Middleware {
	c := s.config.Webhook
	if c.BreakerFailures == 0 {
		return nil
	}
	s.metrics.SetBreakerOpen(endpoint, false)
	return []transmitter.Middleware{transmitter.Breaker(transmitter.BreakerOptions{
		Failures: c.BreakerFailures, Cooldown: c.BreakerCooldown,
		Changed: func(open bool) {
			s.metrics.SetBreakerOpen(endpoint, open)
			if open {
				e.open.Add(1)
				s.log.Warn("breaker open: the worker failed too often in a row; only probes are posted until one succeeds", zap.String("endpoint", endpoint))
			} else {
				e.open.Add(-1)
				s.log.Info("breaker closed: the worker answers again", zap.String("endpoint", endpoint))
			}
		},
	})}
}
