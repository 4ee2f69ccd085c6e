package config

import (
	"fmt"
	"net/url"
	"slices"

	"carrier/config/values"
)

// ProxyURL is CARRIER_WEBHOOK_PROXY; nil where it is not set. It is as secret as the variable.
func (w WebhookOptions) ProxyURL() *url.URL {
	if w.Proxy.Reveal() == "" {
		return nil
	}
	u, _ := url.Parse(w.Proxy.Reveal())
	return u
}

// format checks that a request that is made again is not to have another form.
func (k *check) format(r *Route) {
	const why = "must be %s with CARRIER_INGEST_REPLAY, which makes the producer's own request again"
	k.batches(r)
	if r.Receiver != Ingest && !r.IsFallback() || !r.Ingest.Replay {
		return
	}
	if r.Webhook.Format != Raw {
		k.fault("CARRIER_WEBHOOK_FORMAT", fmt.Sprintf(why, Raw))
	}
	if r.Webhook.Unwrap == SNS {
		k.fault("CARRIER_UNWRAP", fmt.Sprintf(why, "none"))
	}
}

// batches checks that a request of several messages has a form that can hold them. A size that is set
// for all routes is left to those that can have one.
func (k *check) batches(r *Route) {
	const size = "CARRIER_WEBHOOK_BATCH_SIZE"
	noTokens := k.config.Worker.Address != "" && !slices.ContainsFunc(k.config.Routes, func(r Route) bool { return r.Asked() })
	switch w := r.Webhook; {
	case w.BatchSize <= 1 || r.Transmitter != Webhook:
	case w.Format != Lambda && r.Name != "" && k.nameOf(size) == size && slices.ContainsFunc(k.config.Routes, takesBatches):
		r.Webhook.BatchSize = 1
	case w.Format != Lambda || noTokens:
		k.fault(size, "must be 1 unless CARRIER_WEBHOOK_FORMAT is lambda; and with CARRIER_WORKER_ADDRESS, since a request of several messages has no token to settle them by")
	}
}

// takesBatches reports whether a request of r may be of several messages.
func takesBatches(r Route) bool {
	return r.Asked() || r.Transmitter == Webhook && r.Webhook.Format == Lambda
}

// egress checks the proxy, and the addresses that may not be connected to.
func (k *check) egress(w WebhookOptions) {
	k.require("CARRIER_WEBHOOK_PROXY", w.Proxy.Reveal() == "" || values.IsProxy(w.Proxy.Reveal()))
	for name, urls := range map[string][]string{
		"CARRIER_WEBHOOK_ENDPOINT": w.Endpoints, "CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT": {w.HealthCheckEndpoint},
	} {
		if !w.AllowLinkLocal && slices.ContainsFunc(urls, values.IsLinkLocal) {
			k.fault(name, "must not be a link-local or metadata address, unless CARRIER_WEBHOOK_ALLOW_LINK_LOCAL is true")
		}
	}
}
