package route

import (
	"go.uber.org/zap"

	"carrier/config"
	"carrier/internal/egress"
	"carrier/internal/route/workerup"
	"carrier/transmitter"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

// reachWebhook makes the end that posts messages to the endpoints of a webhook.
func reachWebhook(s site) (*end, error) {
	endpoints, hooks, err := openHooks(s)
	if err != nil {
		return nil, err
	}
	e := &end{}
	e.close = func() {
		for _, l := range e.posts {
			l.Wait()
		}
		closeHooks(hooks)
	}
	for _, endpoint := range endpoints {
		e.places = append(e.places, endpoint.String())
	}
	if s.config.Webhook.HealthCheckEndpoint != "" {
		checker, err := newChecker(s.config, hooks[0], s.status)
		if err != nil {
			return nil, err
		}
		e.gates, e.run = append(e.gates, checker.Gate), append(e.run, checker.Run)
	}
	if limit := s.config.Webhook.RateLimit.PerSecond(); limit > 0 {
		e.limits = append(e.limits, transmitter.RateLimit(transmitter.RateLimitOptions{PerSecond: limit, Burst: s.config.Webhook.RateBurst}))
	}
	e.hold(s, hooks)
	return e, nil
}

// hold makes the ways to the endpoints: each is held while it cannot be connected to, and spared by
// its breaker. The status is told whether any of them can be.
func (e *end) hold(s site, hooks []*webhook.Transmitter) {
	checked := s.config.Webhook.HealthCheckEndpoint != ""
	anyUp := workerup.NewAny(len(hooks), checked, func(up bool, cause error) { s.status.Set("connection", up, cause) })
	for i, hook := range hooks {
		layers := append(e.breaker(s, e.places[i]), transmitter.Hold(transmitter.HoldOptions{
			Probe: hook.Probe, ProbeFirst: !checked,
			Changed: func(up bool, cause error) { anyUp.Set(i, up, cause) },
		}))
		layers = append(layers, s.spans(e.places[i])...)
		e.ways = append(e.ways, transmitter.Wrap(s.late(e, hook, e.places[i]), layers...))
	}
}

// gather has the messages of a batch meet at hook, where it takes several in one request.
func (s site) gather(hook *webhook.Transmitter) transmitter.Transmitter {
	if perSlot(s.config) > 1 {
		return s.gathering.End(hook)
	}
	return hook
}

// perSlot is how many messages c's webhook takes in one request.
func perSlot(c *config.Route) int {
	if c.Transmitter == config.Webhook {
		return c.Webhook.BatchSize
	}
	return 1
}

func closeHooks(hooks []*webhook.Transmitter) {
	for _, hook := range hooks {
		hook.Close()
	}
}

// openHooks makes a webhook for each endpoint. It dials nothing.
func openHooks(s site) ([]webhook.Endpoint, []*webhook.Transmitter, error) {
	var all []webhook.Endpoint
	var hooks []*webhook.Transmitter
	c := s.config
	for i, text := range c.Webhook.Endpoints {
		endpoint, err := webhook.ParseEndpoint(text)
		if err != nil {
			return nil, nil, fault(c.Variable("CARRIER_WEBHOOK_ENDPOINT"), err)
		}
		opts := webhookOptions(c, endpoint, s.version, s.log)
		opts.RequestTimeout, opts.Failover = c.Webhook.TimeoutOf(i), i > 0
		opts.Channel = s.channel
		hook, err := webhook.Open(opts)
		if err != nil {
			return nil, nil, fault("CARRIER_WEBHOOK_*", err)
		}
		all, hooks = append(all, endpoint), append(hooks, hook)
	}
	return all, hooks, nil
}

func webhookOptions(c *config.Route, endpoint webhook.Endpoint, version string, log *zap.Logger) webhook.Options {
	var headers []webhook.Header
	for _, h := range c.Webhook.ExtraHeaders() {
		headers = append(headers, webhook.Header(h))
	}
	return webhook.Options{
		Endpoint:           endpoint,
		DefaultContentType: c.Webhook.ContentType,
		RequestTimeout:     c.Webhook.RequestTimeout,
		Concurrency:        c.Concurrency,
		TLS: webhook.TLS{
			InsecureSkipVerify: c.Webhook.InsecureSkipVerify, CAFile: c.Webhook.CAFile,
			ClientCertFile: c.Webhook.ClientCertFile, ClientKeyFile: c.Webhook.ClientKeyFile,
		},
		Signing:        webhook.Signing{Keys: c.Webhook.SigningSecrets.Reveal(), File: c.Webhook.SigningSecrets.File()},
		Egress:         egress.Options{Proxy: c.Webhook.ProxyURL(), AllowLinkLocal: c.Webhook.AllowLinkLocal},
		Format:         formatOf(c.Webhook.Format),
		BatchSize:      c.Webhook.BatchSize,
		UnwrapSNS:      c.Webhook.Unwrap == config.SNS,
		Permanent:      c.Webhook.PermanentStatus.Contains,
		MaxHeaderBytes: int(c.Webhook.MaxHeaderBytes),
		Headers:        headers,
		Version:        version,
		Replay:         (c.Receiver == config.Ingest || c.IsFallback()) && c.Ingest.Replay,
		Warn: func(messageID, what string) {
			if messageID == "" {
				log.Warn(what)
				return
			}
			log.Warn(what, zap.String("message_id", messageID))
		},
		Omitted: func(messageID string, names []string) {
			log.Debug("attributes left out: the request's head would be larger than "+c.Variable("CARRIER_WEBHOOK_MAX_HEADER_BYTES"),
				zap.String("message_id", messageID), zap.Strings("attributes", names))
		},
	}
}

func newChecker(route *config.Route, hook *webhook.Transmitter, status *workerup.Status) (*transmitter.Checker, error) {
	c := route.Webhook
	at, err := webhook.ParseEndpoint(c.HealthCheckEndpoint)
	if err != nil {
		return nil, fault(route.Variable("CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT"), err)
	}
	status.Expect("health")
	return transmitter.NewChecker(transmitter.CheckerOptions{
		Check: hook.HealthCheck(at), Interval: c.HealthCheckInterval, Timeout: c.HealthCheckTimeout,
		Threshold: c.OfflineThresholdCount,
		Changed:   func(up bool, cause error) { status.Set("health", up, cause) },
	}), nil
}

func formatOf(name string) format.Format {
	if name == config.Raw {
		return format.Raw
	}
	return format.Format(name)
}
