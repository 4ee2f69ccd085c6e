package route

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/dispatch"
	"carrier/internal/egress"
	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

// A worker is the way to the application: the webhook's endpoints and what is wrapped around them.
type worker struct {
	endpoints   endpoints
	hooks       []*webhook.Transmitter // one for each endpoint
	checker     *transmitter.Checker   // nil without a health check
	failover    *transmitter.Failover  // nil with one endpoint
	transmitter transmitter.Transmitter
}

// endpoints are a route's, in the order of its failover.
type endpoints []webhook.Endpoint

// String names them without secrets, comma-separated.
func (es endpoints) String() string {
	var all []string
	for _, e := range es {
		all = append(all, e.String())
	}
	return strings.Join(all, ",")
}

// newWorker makes the worker's side of r. Its errors are faults of the configuration.
func newWorker(r *Route, version string) (*worker, error) {
	c := r.config
	w := &worker{}
	var err error
	if w.endpoints, w.hooks, err = openHooks(c, version, r.log); err != nil {
		return nil, err
	}
	status := newWorkerStatus(func(up bool, cause error) { r.workerChanged(w.endpoints.String(), up, cause) })
	layers := []transmitter.Middleware{
		transmitter.Backoff(transmitter.BackoffOptions{
			Initial: c.Retry.InitialInterval, Multiplier: c.Retry.Multiplier, Max: c.Retry.MaxInterval,
			Jitter: transmitter.Jitter(c.Retry.Jitter), MaxAge: c.MessageTimeout,
		}),
		transmitter.GiveUp(transmitter.GiveUpOptions{
			MaxAttempts: c.Retry.MaxAttempts, MaxAge: c.MessageTimeout, Action: rejectAction(c.RejectAction),
		}),
	}
	if c.Receiver == config.Ingest {
		layers = append(layers, transmitter.UntilFirstSuccess(func(status int) {
			r.log.Warn(fmt.Sprintf("the worker answered %d and has accepted nothing yet: does %s have the right path?"+
				" Until the first success such messages are tried again", status, c.Variable("CARRIER_WEBHOOK_ENDPOINT")), zap.Stringer("endpoint", w.endpoints))
		}))
	}
	if c.Webhook.HealthCheckEndpoint != "" {
		if w.checker, err = newChecker(c, w.hooks[0], status); err != nil {
			return nil, err
		}
		layers = append(layers, w.checker.Gate)
	}
	if limit := c.Webhook.RateLimit.PerSecond(); limit > 0 {
		layers = append(layers, transmitter.RateLimit(transmitter.RateLimitOptions{PerSecond: limit, Burst: c.Webhook.RateBurst}))
	}
	w.transmitter = transmitter.Wrap(w.reach(r, status), layers...)
	return w, nil
}

// reach is the way to the endpoints: each is held while it cannot be connected to, and messages go
// to the first that is not.
func (w *worker) reach(r *Route, status *workerStatus) transmitter.Transmitter {
	anyUp := newAnyUp(len(w.hooks), w.checker != nil, func(up bool, cause error) { status.set("connection", up, cause) })
	var held []transmitter.Transmitter
	for i, hook := range w.hooks {
		layers := append(r.breaker(w.endpoints[i].String()), transmitter.Hold(transmitter.HoldOptions{
			Probe: hook.Probe, ProbeFirst: w.checker == nil,
			Changed: func(up bool, cause error) { anyUp.set(i, up, cause) },
		}))
		held = append(held, transmitter.Wrap(hook, layers...))
	}
	if len(held) == 1 {
		return held[0]
	}
	w.failover = transmitter.NewFailover(transmitter.FailoverOptions{
		Endpoints: held,
		Attempted: func(m *message.Message, o message.Outcome) {
			r.observe(dispatch.Event{Kind: dispatch.Attempted, Message: m, Outcome: o, Took: o.Took})
		},
	})
	return w.failover
}

// openHooks makes a webhook for each endpoint. It dials nothing.
func openHooks(c config.Route, version string, log *zap.Logger) (endpoints, []*webhook.Transmitter, error) {
	var all endpoints
	var hooks []*webhook.Transmitter
	until := transmitter.Timeouts{Message: c.MessageTimeout}
	for i, text := range c.Webhook.Endpoints {
		endpoint, err := webhook.ParseEndpoint(text)
		if err != nil {
			return nil, nil, fault(c.Variable("CARRIER_WEBHOOK_ENDPOINT"), err)
		}
		opts := webhookOptions(c, endpoint, version, log)
		opts.RequestTimeout, opts.Failover = c.Webhook.TimeoutOf(i), i > 0
		opts.Until = func(m *message.Message) time.Time { return until.Until(m, 0, true) }
		hook, err := webhook.Open(opts)
		if err != nil {
			return nil, nil, fault("CARRIER_WEBHOOK_*", err)
		}
		all, hooks = append(all, endpoint), append(hooks, hook)
	}
	return all, hooks, nil
}

func webhookOptions(c config.Route, endpoint webhook.Endpoint, version string, log *zap.Logger) webhook.Options {
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
		UnwrapSNS:      c.Webhook.Unwrap == config.SNS,
		Permanent:      c.Webhook.PermanentStatus.Contains,
		MaxHeaderBytes: int(c.Webhook.MaxHeaderBytes),
		Headers:        headers,
		Version:        version,
		Replay:         c.Receiver == config.Ingest && c.Ingest.Replay,
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

func newChecker(route config.Route, hook *webhook.Transmitter, status *workerStatus) (*transmitter.Checker, error) {
	c := route.Webhook
	at, err := webhook.ParseEndpoint(c.HealthCheckEndpoint)
	if err != nil {
		return nil, fault(route.Variable("CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT"), err)
	}
	status.expect("health")
	return transmitter.NewChecker(transmitter.CheckerOptions{
		Check: hook.HealthCheck(at), Interval: c.HealthCheckInterval, Timeout: c.HealthCheckTimeout,
		Threshold: c.OfflineThresholdCount,
		Changed:   func(up bool, cause error) { status.set("health", up, cause) },
	}), nil
}

// watch runs the health checks, if there are any, and looks after the endpoints that take no
// message, until ctx ends.
func (w *worker) watch(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	if w.checker != nil {
		all.Go(func() { w.checker.Run(ctx) })
	}
	if w.failover != nil {
		all.Go(func() { w.failover.Run(ctx) })
	}
}

func (w *worker) close() {
	for _, hook := range w.hooks {
		hook.Close()
	}
}

func formatOf(name string) format.Format {
	if name == config.Raw {
		return format.Raw
	}
	return format.Format(name)
}

func rejectAction(name string) message.Action {
	switch name {
	case config.DeadLetter:
		return message.DeadLetter
	case config.Drop:
		return message.Drop
	default:
		return message.Redrive
	}
}

func fault(variable string, err error) error {
	return config.Faults{{Variable: variable, Want: fmt.Sprint(err)}}
}
