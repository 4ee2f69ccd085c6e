package route

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"

	"carrier/config"
	"carrier/receiver"
	"carrier/receiver/builtin"
	"carrier/receiver/preflight"
	"carrier/transmitter/webhook"
)

// Check looks at the source and the worker of every route of c, all at once, without taking a
// message. carrierRuns says that a carrier with the same configuration runs. The findings are in the
// order of the routes, and name them.
func Check(ctx context.Context, c config.Config, version string, carrierRuns bool) []preflight.Finding {
	var of []builtin.Route
	for i := range c.Routes {
		rc := &c.Routes[i]
		if rc.IsFallback() {
			continue
		}
		of = append(of, builtin.Route{Route: rc, Observer: receiver.NoObserver{}, Log: zap.NewNop()})
	}
	sources, err := builtin.New(c, of, builtin.Options{Answered: func(int) {}, Log: zap.NewNop(), Agent: "carrier/" + version})
	if err != nil {
		return []preflight.Finding{preflight.Fail.Finding(err.Error())}
	}
	found := make([][]preflight.Finding, len(c.Routes))
	var all sync.WaitGroup
	at := 0
	for i := range c.Routes {
		rc := &c.Routes[i]
		checkSource := func(context.Context, bool) []preflight.Finding { return nil }
		if !rc.IsFallback() {
			checkSource = sources[at].Check
			at++
		}
		all.Go(func() {
			for _, f := range append(checkSource(ctx, carrierRuns), checkEnd(ctx, rc, version)...) {
				found[i] = append(found[i], Named(rc.Name, f))
			}
		})
	}
	all.Wait()
	for _, source := range sources {
		_ = source.Close()
	}
	return slices.Concat(found...)
}

// Named is f with the name of its route before it, f itself where the route has none.
func Named(route string, f preflight.Finding) preflight.Finding {
	if route != "" {
		f.Text = "route " + route + ": " + f.Text
	}
	return f
}

// checkEnd looks at what stands at the end of the route c.
func checkEnd(ctx context.Context, c *config.Route, version string) []preflight.Finding {
	switch c.Transmitter {
	case config.Webhook:
		return checkWebhook(ctx, c, version)
	case config.Pull, config.Stream:
		return []preflight.Finding{preflight.OK.Finding("worker: it asks for messages itself")}
	case config.Forward:
		return checkForward(ctx, c, version)
	default:
		return nil
	}
}

// checkWebhook asks the worker's health endpoint, or, without one, whether each of its endpoints
// accepts connections.
func checkWebhook(ctx context.Context, c *config.Route, version string) []preflight.Finding {
	endpoints, hooks, err := openHooks(site{config: c, version: version, log: zap.NewNop()})
	if err != nil {
		return []preflight.Finding{noWorker(err)}
	}
	defer closeHooks(hooks)
	found := checkKeys(c.Webhook)
	if c.Webhook.HealthCheckEndpoint != "" {
		return append(found, checkHealth(ctx, c.Webhook, hooks[0]))
	}
	through := ""
	if proxy := c.Webhook.ProxyURL(); proxy != nil {
		through = " through the proxy " + proxy.Host
	}
	for i, hook := range hooks {
		if err := hook.Check(ctx); err != nil {
			found = append(found, noWorker(fmt.Errorf("%v%s: %w", endpoints[i], through, err)))
			continue
		}
		found = append(found, preflight.OK.Finding(fmt.Sprintf("worker: %v accepts connections%s", endpoints[i], through)))
	}
	return found
}

// checkKeys says how many keys sign, without which nothing is signed. That they can be used is a rule
// of the configuration.
func checkKeys(c config.WebhookOptions) []preflight.Finding {
	keys := c.SigningSecrets.Reveal()
	if keys == "" {
		return nil
	}
	return []preflight.Finding{preflight.OK.Finding(fmt.Sprintf("signing: %d keys of v1 (whsec_) and %d of v1a (whsk_) can be used",
		strings.Count(keys, "whsec_"), strings.Count(keys, "whsk_")))}
}

func checkHealth(ctx context.Context, c config.WebhookOptions, hook *webhook.Transmitter) preflight.Finding {
	at, err := webhook.ParseEndpoint(c.HealthCheckEndpoint)
	if err != nil {
		return noWorker(err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.HealthCheckTimeout)
	defer cancel()
	if err := hook.HealthCheck(at)(ctx); err != nil {
		return noWorker(fmt.Errorf("health check %v: %w", at, err))
	}
	return preflight.OK.Finding(fmt.Sprintf("worker: %v is healthy", at))
}

func noWorker(err error) preflight.Finding {
	return preflight.Fail.Finding(fmt.Sprintf("worker: %v", err))
}
