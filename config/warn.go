package config

import (
	"fmt"
	"slices"
	"strings"

	"carrier/config/queues"
	"carrier/config/routenames"
	"carrier/config/variable"
	"carrier/internal/netaddr"
)

// warnings lists what is allowed and yet unlikely to be meant, of the process and of its routes.
func (k *check) warnings(routes []*check) []string {
	var all []string
	for _, name := range variable.Names(prefix) {
		if warning := k.idle(name, routes); warning != "" {
			all = append(all, name+": "+warning)
		}
	}
	for _, r := range routes {
		all = append(all, r.idleTogether()...)
	}
	for _, warning := range slices.Concat(k.risks(), routeRisks(routes), fallbackRisks(routes)) {
		if !slices.Contains(all, warning) {
			all = append(all, warning)
		}
	}
	return all
}

// idle says why the variable called name, which is set, is read by nobody; "" where it is read.
func (k *check) idle(name string, routes []*check) string {
	if strings.HasPrefix(name, routenames.Prefix) {
		return k.idleOfRoute(name, routes)
	}
	known := k.names()
	for _, v := range reference() {
		switch {
		case v.Ref == name && v.RouteOnly():
			return "is read for a route alone: " + v.Name
		case !v.RouteOnly():
			known = append(known, v.Forms(v.Ref)...)
		}
	}
	switch {
	case !slices.Contains(known, name):
		return unknown(name, known)
	case name == "CARRIER_INGEST_TOPIC" && !k.set(routenames.Variable):
		return "has no effect without " + routenames.Variable
	case k.namesFaulty: // nobody knows what the others receive
		return ""
	default:
		return withoutReceiver(name, routes)
	}
}

// idleOfRoute is idle for a variable that begins as those of a route do.
func (k *check) idleOfRoute(name string, routes []*check) string {
	for _, r := range routes {
		start := routenames.VariablePrefix(r.route.Name)
		if r.route.Name == "" || !strings.HasPrefix(name, start) {
			continue
		}
		ref := prefix + strings.TrimPrefix(name, start)
		switch known := r.ownNames(); {
		case slices.Contains(known, name) && r.route.IsFallback():
			return r.route.idleAsFallback(ref)
		case slices.Contains(known, name):
			return withoutReceiver(ref, []*check{r})
		case slices.Contains(k.names(), ref):
			return "has no effect, it is not a route's but the process's: " + ref
		default:
			return unknown(name, known)
		}
	}
	switch {
	case k.namesFaulty || routenames.IsServiceLink(name):
		return ""
	case !k.set(routenames.Variable):
		return "has no effect without " + routenames.Variable
	default:
		return "has no effect, it begins like no route of " + routenames.Variable + "; the nearest such beginning is " +
			routenames.Nearest(name, starts(routes))
	}
}

func starts(routes []*check) []string {
	all := []string{routenames.Prefix}
	for _, r := range routes {
		all = append(all, routenames.VariablePrefix(r.route.Name))
	}
	return all
}

func unknown(name string, known []string) string {
	if routenames.IsServiceLink(name) {
		return ""
	}
	return "unknown variable, the nearest known one is " + routenames.Nearest(name, known)
}

// withoutReceiver says that the variable ref is for a receiver that none of the routes has.
func withoutReceiver(ref string, routes []*check) string {
	owner := queues.Owner(ref)
	if owner == "" {
		return ""
	}
	for _, r := range routes {
		if r.route.Receiver == "" && !r.route.IsFallback() || r.route.Receiver == owner || r.route.Forwards() && r.route.Forward.To == owner {
			return ""
		}
	}
	if len(routes) == 1 && routes[0].route.Receiver != "" {
		return fmt.Sprintf("has no effect with the %s receiver", routes[0].route.Receiver)
	}
	return fmt.Sprintf("has no effect, no route has the %s receiver", owner)
}

// idleTogether lists the variables of a route that have no effect beside others.
func (k *check) idleTogether() []string {
	if k.route.SQS.QueueOwner == "" || k.route.SQS.QueueURL == "" {
		return nil
	}
	return []string{k.renamed("CARRIER_SQS_QUEUE_OWNER: has no effect with CARRIER_SQS_QUEUE_URL")}
}

// risks lists the choices of the process that weaken security.
func (k *check) risks() []string {
	i := k.config.Ingest
	if k.config.Receives(Ingest) && i.AllowAnonymous && !i.Authenticates() && !netaddr.IsLoopback(i.Address) {
		return []string{"CARRIER_INGEST_ALLOW_ANONYMOUS: whoever reaches CARRIER_INGEST_ADDRESS may store messages"}
	}
	return nil
}

// routeRisks lists the choices of routes that do.
func routeRisks(routes []*check) []string {
	var all []string
	for _, k := range routes {
		if k.route.Webhook.InsecureSkipVerify {
			all = append(all, k.renamed("CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY: the worker's certificate is not checked"))
		}
	}
	return slices.Compact(all)
}

// names lists the check's own variables as they are read, the secrets' _FILE forms included.
func (k *check) names() []string {
	var names []string
	for _, v := range k.vars {
		names = append(names, v.Forms(v.Name)...)
	}
	return names
}

// ownNames lists the names that are the route's alone; without a name, all that it reads.
func (k *check) ownNames() []string {
	var names []string
	for _, v := range k.vars {
		names = append(names, v.Forms(k.route.own(v.Ref))...)
	}
	return names
}
