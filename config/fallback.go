package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"carrier/config/queues"
	"carrier/config/routenames"
)

const (
	fallback       = "CARRIER_FALLBACK"
	mostFallbacks  = 8
	channelTimeout = 30 * time.Minute
)

// FallbackOptions says where the messages of a route go on to that its own transmitter does not get
// rid of.
type FallbackOptions struct {
	Names          List          `envconfig:"CARRIER_FALLBACK" shown:"none" allowed:"names of routes that CARRIER_ROUTES has, comma-separated, at most 8" desc:"Routes that the route's messages go on to, in this order: each message is handed to the route's own worker, after CARRIER_CHANNEL_TIMEOUT to the first of these, and so on, with X-Carrier-Channel; earlier while the breakers of all endpoints before are open. A route that is named here receives nothing itself, whatever is set: of its variables those of its transmitter count. Several routes may name the same one."`
	ChannelTimeout time.Duration `envconfig:"CARRIER_CHANNEL_TIMEOUT" shown:"30m with CARRIER_FALLBACK, else off" min:"1s" desc:"How long after its first receive a message is handed to the route's own worker, and then to each route of CARRIER_FALLBACK; with the last one it stays."`
	// For are the names of the routes that name this one, in their order: it receives nothing then.
	For []string
}

// IsFallback reports whether another route names r: r receives nothing then, and has no Receiver.
func (r Route) IsFallback() bool { return len(r.Fallback.For) > 0 }

// findFallbacks notes at each route which others name it. A process-wide CARRIER_FALLBACK is not that
// of the routes it names. It is called once all variables are read.
func findFallbacks(routes []*check) {
	named := map[string]bool{}
	for _, k := range routes {
		for _, name := range k.route.Fallback.Names {
			named[name] = true
		}
	}
	for _, k := range routes {
		if k.route.Name != "" && named[k.route.Name] && k.nameOf(fallback) == fallback {
			k.route.Fallback.Names = nil
		}
	}
	for _, k := range routes {
		for _, other := range routes {
			if other.route.Name != "" && slices.Contains(k.route.Fallback.Names, other.route.Name) {
				other.route.Fallback.For = append(other.route.Fallback.For, k.route.Name)
			}
		}
	}
}

// fallbacks checks what the routes name.
func (k *check) fallbacks(routes []*check) {
	has := false
	for _, r := range routes {
		r.fallback(k, routes)
		has = has || len(r.route.Fallback.Names) > 0
	}
	i := slices.IndexFunc(routes, func(r *check) bool { return r.set(fallback) })
	if i >= 0 && !has { // it names all that read it
		routes[i].fault(fallback, "must leave a route that receives messages itself")
	}
}

// fallback checks what k's route names, of the routes of process.
func (k *check) fallback(process *check, routes []*check) {
	f := k.route.Fallback
	switch {
	case len(f.Names) == 0 || process.namesFaulty:
	case !process.set(routenames.Variable):
		k.fault(fallback, "must not be set without "+routenames.Variable+", whose routes it names")
	case slices.Contains(f.Names, k.route.Name):
		k.fault(fallback, "must not name the route itself")
	case k.route.IsFallback():
		k.fault(fallback, fmt.Sprintf("must not be set: the route receives nothing itself, since that of the route %s names it", f.For[0]))
	case len(f.Names) > mostFallbacks:
		k.fault(fallback, fmt.Sprintf("must be at most %d names; there are %d", mostFallbacks, len(f.Names)))
	default:
		k.fallbackNames(routes)
	}
}

// fallbackNames checks each name, and names all that are wrong.
func (k *check) fallbackNames(routes []*check) {
	var wrong []string
	names := k.route.Fallback.Names
	for i, name := range names {
		known := slices.ContainsFunc(routes, func(r *check) bool { return r.route.Name == name })
		switch {
		case slices.Contains(names[:i], name):
			wrong = append(wrong, fmt.Sprintf("%q is named twice", name))
		case !known:
			wrong = append(wrong, fmt.Sprintf("%q is none", name))
		}
	}
	if len(wrong) > 0 {
		k.fault(fallback, "must be names of routes that CARRIER_ROUTES has, each once; "+strings.Join(wrong, ", "))
	}
}

// completeFallback fills in the defaults of a route that receives nothing: it serves those that name
// it.
func (r *Route) completeFallback(c *Config, set func(ref string) bool) {
	if !set("CARRIER_CONCURRENCY") {
		r.Concurrency = 0
		for _, other := range c.Routes {
			if slices.Contains(r.Fallback.For, other.Name) {
				r.Concurrency += other.Concurrency
			}
		}
	}
	r.completeBreaker(set)
	r.Readiness = r.Readiness && set("CARRIER_READINESS")
}

// idleAsFallback says why the variable ref has no effect on a route that receives nothing; "" where
// it has one.
func (r *Route) idleAsFallback(ref string) string {
	receives := slices.ContainsFunc([]string{"RECEIVER", "WEIGHT", "PREFETCH", "REJECT_ACTION", "MESSAGE_TIMEOUT", "CHANNEL_TIMEOUT", "RETRY_", "DEFER_", "DEAD_LETTER_"},
		func(start string) bool { return strings.HasPrefix(ref, prefix+start) })
	if !r.IsFallback() || ref == "CARRIER_INGEST_REPLAY" || !receives && queues.Owner(ref) == "" {
		return ""
	}
	return fmt.Sprintf("has no effect, the route receives nothing itself: it is in %s of the route %s", fallback, r.Fallback.For[0])
}

// fallbackRisks lists the times of channels that do nothing.
func fallbackRisks(routes []*check) []string {
	const timeout = "CARRIER_CHANNEL_TIMEOUT"
	used := slices.ContainsFunc(routes, func(k *check) bool { return len(k.route.Fallback.Names) > 0 })
	var all []string
	for _, k := range routes {
		r := k.route
		last := time.Duration(len(r.Fallback.Names)) * r.Fallback.ChannelTimeout
		switch {
		case len(r.Fallback.Names) > 0 && r.MessageTimeout > 0 && last >= r.MessageTimeout:
			all = append(all, k.renamed(fmt.Sprintf("%s: a message is given up after %s, %v, before its age has it go on to %s after %v",
				timeout, "CARRIER_MESSAGE_TIMEOUT", r.MessageTimeout, r.Fallback.Names[len(r.Fallback.Names)-1], last)))
		case len(r.Fallback.Names) == 0 && !r.IsFallback() && k.set(timeout) && (!used || k.nameOf(timeout) != timeout):
			all = append(all, k.nameOf(timeout)+": has no effect without "+fallback)
		}
	}
	return all
}
