package config

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultRoute is what the route without a name is called where one is asked for by name.
const DefaultRoute = "default"

const (
	routesVariable = "CARRIER_ROUTES"
	maxRoutes      = 64
	longestName    = 32
)

// routeNames returns the names of the routes whose variables can be read: one that is empty where
// CARRIER_ROUTES is not set. Each name that is wrong is a fault of its own.
func (k *check) routeNames() []string {
	if !k.set(routesVariable) {
		return []string{""}
	}
	names := k.config.RouteNames
	before := len(k.report.faults)
	if len(names) > maxRoutes {
		k.nameFault(fmt.Sprintf("must be at most %d names; there are %d", maxRoutes, len(names)))
		names = names[:maxRoutes]
	}
	var good []string
	for i, name := range names {
		switch {
		case slices.Contains(names[:i], name):
			if !slices.Contains(names[i+1:], name) {
				k.nameFault(fmt.Sprintf("must name each route once; %q is named twice", name))
			}
		case !routeName(name):
			k.nameFault(fmt.Sprintf("must be a list of names, each of lower-case letters, digits and single hyphens, "+
				"a letter first, at most %d characters; %q is none", longestName, name))
		case name == DefaultRoute:
			k.nameFault(fmt.Sprintf("must not name a route %q: it is what a route without a name is called", name))
		default:
			good = append(good, name)
		}
	}
	good = k.withoutClashes(good)
	k.namesFaulty = len(k.report.faults) > before
	return good
}

// nameFault adds a fault of CARRIER_ROUTES beside those it has already.
func (k *check) nameFault(want string) {
	k.report.add(Fault{Variable: routesVariable, Value: k.shown(routesVariable), Want: want})
}

func routeName(name string) bool {
	return len(name) <= longestName && matches(`[a-z][a-z0-9]*(-[a-z0-9]+)*`, name)
}

// withoutClashes leaves out the names whose variables could be another's: CARRIER_ROUTE_MAIL_SQS_URL
// would be of mail and of mail-sqs.
func (k *check) withoutClashes(names []string) []string {
	var clear []string
	for _, name := range names {
		clash := false
		for _, other := range names {
			if other != name && strings.HasPrefix(variablePrefix(other), variablePrefix(name)) {
				k.nameFault(fmt.Sprintf("must not name both %q and %q: the variables of both begin with %s", name, other, variablePrefix(name)))
				clash = true
			}
			clash = clash || other != name && strings.HasPrefix(variablePrefix(name), variablePrefix(other))
		}
		if !clash {
			clear = append(clear, name)
		}
	}
	return clear
}
