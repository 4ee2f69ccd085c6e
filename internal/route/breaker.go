package route

import (
	"go.uber.org/zap"

	"carrier/transmitter"
)

// breaker returns the breaker of an endpoint; none where it is turned off.
func (r *Route) breaker(endpoint string) []transmitter.Middleware {
	c := r.config.Webhook
	if c.BreakerFailures == 0 {
		return nil
	}
	r.metrics.SetBreakerOpen(endpoint, false)
	return []transmitter.Middleware{transmitter.Breaker(transmitter.BreakerOptions{
		Failures: c.BreakerFailures, Cooldown: c.BreakerCooldown,
		Changed: func(open bool) {
			r.metrics.SetBreakerOpen(endpoint, open)
			if open {
				r.log.Warn("breaker open: the worker failed too often in a row; only probes are posted until one succeeds", zap.String("endpoint", endpoint))
			} else {
				r.log.Info("breaker closed: the worker answers again", zap.String("endpoint", endpoint))
			}
		},
	})}
}
