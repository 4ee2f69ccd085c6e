// Package routenames knows the rules of the names of routes, how their variables begin, and which
// name was probably meant where one is unknown.
package routenames

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

const (
	// Variable holds the names, separated by commas.
	Variable = "CARRIER_ROUTES"
	// Prefix begins the names of the variables that belong to one route.
	Prefix = "CARRIER_ROUTE_"
	// Default is what the route without a name is called where one is asked for by name.
	Default = "default"
	// Most is how many routes there may be.
	Most = 64

	longest = 32
)

// VariablePrefix begins the names of the variables of the route called name.
func VariablePrefix(name string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
}

// Check returns the names of the routes whose variables can be read, and a sentence of its own for
// each that is wrong: what Variable must be.
func Check(names []string) (good, faults []string) {
	if len(names) > Most {
		faults = append(faults, fmt.Sprintf("must be at most %d names; there are %d", Most, len(names)))
		names = names[:Most]
	}
	for i, name := range names {
		switch {
		case slices.Contains(names[:i], name):
			if valid(name) && !slices.Contains(names[i+1:], name) { // else it has been said already
				faults = append(faults, fmt.Sprintf("must name each route once; %q is named twice", name))
			}
		case !valid(name):
			faults = append(faults, fmt.Sprintf("must be a list of names, each of lower-case letters, digits and single hyphens, "+
				"a letter first, at most %d characters; %q is none", longest, name))
		case name == Default:
			faults = append(faults, fmt.Sprintf("must not name a route %q: it is what a route without a name is called", name))
		default:
			good = append(good, name)
		}
	}
	good, clashes := withoutClashes(good)
	return good, append(faults, clashes...)
}

func valid(name string) bool {
	return len(name) <= longest && regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`).MatchString(name)
}

// withoutClashes leaves out the names whose variables could be another's: CARRIER_ROUTE_MAIL_SQS_URL
// would be of mail and of mail-sqs.
func withoutClashes(names []string) (clear, faults []string) {
	for _, name := range names {
		clash := false
		for _, other := range names {
			if other != name && strings.HasPrefix(VariablePrefix(other), VariablePrefix(name)) {
				faults = append(faults, fmt.Sprintf("must not name both %q and %q: the variables of both begin with %s", name, other, VariablePrefix(name)))
				clash = true
			}
			clash = clash || other != name && strings.HasPrefix(VariablePrefix(name), VariablePrefix(other))
		}
		if !clash {
			clear = append(clear, name)
		}
	}
	return clear, faults
}

// IsServiceLink reports whether name is one that Kubernetes makes for a Service of the namespace.
func IsServiceLink(name string) bool {
	return strings.HasSuffix(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") ||
		strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_")
}

// Nearest is the one of known, of which there is one at least, that differs least from name.
func Nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}
