package main

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/message"
	"carrier/transmitter"
	"carrier/transmitter/webhook"
)

// A worker is the way to the application: the webhook and what is wrapped around it.
type worker struct {
	endpoint    webhook.Endpoint
	webhook     *webhook.Transmitter
	checker     *transmitter.Checker // nil without a health check
	transmitter transmitter.Transmitter
}

// newWorker makes the worker's side from c. Its errors are faults of the configuration.
func newWorker(c config.Route, version string, p *program) (*worker, error) {
	endpoint, err := webhook.ParseEndpoint(c.Webhook.Endpoint)
	if err != nil {
		return nil, fault("CARRIER_WEBHOOK_ENDPOINT", err)
	}
	hook, err := webhook.Open(webhookOptions(c, endpoint, version, p.log))
	if err != nil {
		return nil, fault("CARRIER_WEBHOOK_*", err)
	}
	w := &worker{endpoint: endpoint, webhook: hook}
	status := newWorkerStatus(func(up bool, cause error) { p.workerChanged(endpoint.String(), up, cause) })
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
			p.log.Warn(fmt.Sprintf("the worker answered %d and has accepted nothing yet: does CARRIER_WEBHOOK_ENDPOINT have the right path?"+
				" Until the first success such messages are tried again", status), zap.Stringer("endpoint", endpoint))
		}))
	}
	if c.Webhook.HealthCheckEndpoint != "" {
		if w.checker, err = newChecker(c.Webhook, hook, status); err != nil {
			return nil, err
		}
		layers = append(layers, w.checker.Gate)
	}
	layers = append(layers, transmitter.Hold(transmitter.HoldOptions{
		Probe: hook.Probe, ProbeFirst: w.checker == nil,
		Changed: func(up bool, cause error) { status.set("connection", up, cause) },
	}))
	w.transmitter = transmitter.Wrap(hook, layers...)
	return w, nil
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
			log.Debug("attributes left out: the request's head would be larger than CARRIER_WEBHOOK_MAX_HEADER_BYTES",
				zap.String("message_id", messageID), zap.Strings("attributes", names))
		},
	}
}

func newChecker(c config.WebhookOptions, hook *webhook.Transmitter, status *workerStatus) (*transmitter.Checker, error) {
	at, err := webhook.ParseEndpoint(c.HealthCheckEndpoint)
	if err != nil {
		return nil, fault("CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT", err)
	}
	status.expect("health")
	return transmitter.NewChecker(transmitter.CheckerOptions{
		Check: hook.HealthCheck(at), Interval: c.HealthCheckInterval, Timeout: c.HealthCheckTimeout,
		Threshold: c.OfflineThresholdCount,
		Changed:   func(up bool, cause error) { status.set("health", up, cause) },
	}), nil
}

// watch runs the health checks, if there are any, until ctx ends.
func (w *worker) watch(ctx context.Context) {
	if w.checker != nil {
		w.checker.Run(ctx)
	}
}

func (w *worker) close() { w.webhook.Close() }

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
