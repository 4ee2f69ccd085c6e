package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"carrier/config/faults"
	"carrier/config/variable"
	"carrier/internal/redact"
)

// A report is what all checks of one Load have found.
type report struct{ faults Faults }

func (r *report) add(f Fault) { r.faults = append(r.faults, f) }

// A check is one look at the variables of the process, or of one route.
type check struct {
	config    *Config
	route     *Route // nil for the process
	receivers []string
	vars      []variable.Variable // its own, in their order
	known     []variable.Variable // its own, and the process's
	report    *report
	// namesFaulty says that CARRIER_ROUTES is not to be trusted.
	namesFaulty bool
}

func newCheck(c *Config, receivers []string) *check {
	vars := c.variables()
	return &check{config: c, receivers: receivers, vars: vars, known: vars, report: &report{}}
}

// of is the check of one route of the same process.
func (k *check) of(r *Route) *check {
	vars := r.variables()
	return &check{
		config: k.config, route: r, receivers: k.receivers, report: k.report,
		vars: vars, known: slices.Concat(vars, k.vars),
	}
}

// fault notes what is wrong with the variable that the reference calls ref, or with its _FILE form.
// The fault names the variable that was read, and so does want. The first fault of a variable
// stands: what follows from it would only confuse.
func (k *check) fault(ref, want string) {
	name := k.nameOf(ref)
	if v, known := k.variable(ref); known && v.Secret() && os.Getenv(name) == "" && os.Getenv(name+variable.FileSuffix) != "" {
		name, ref = name+variable.FileSuffix, ref+variable.FileSuffix
	}
	if !k.noted(name) {
		k.report.add(Fault{Variable: name, Value: k.shown(ref), Want: k.renamed(want)})
	}
}

// nameOf is the name that the variable ref, or its _FILE form, is read from.
func (k *check) nameOf(ref string) string {
	if v, known := k.variable(ref); known {
		return v.Name
	}
	if v, known := k.variable(strings.TrimSuffix(ref, variable.FileSuffix)); known {
		return v.Name + variable.FileSuffix
	}
	return ref
}

// renamed is text with each variable called as it was read for this route.
func (k *check) renamed(text string) string {
	if k.route == nil || k.route.Name == "" {
		return text
	}
	return regexp.MustCompile(prefix+`[A-Z0-9_]*[A-Z0-9]`).ReplaceAllStringFunc(text, k.nameOf)
}

func (k *check) faulty(ref string) bool { return k.noted(k.nameOf(ref)) }

func (k *check) noted(name string) bool {
	return slices.ContainsFunc(k.report.faults, func(f Fault) bool { return f.Variable == name })
}

// variable finds a variable by the name that the reference has for it.
func (k *check) variable(ref string) (variable.Variable, bool) {
	i := slices.IndexFunc(k.known, func(v variable.Variable) bool { return v.Ref == ref })
	if i < 0 {
		return variable.Variable{}, false
	}
	return k.known[i], true
}

// set reports whether the environment gives the variable called ref a value.
func (k *check) set(ref string) bool {
	v, known := k.variable(ref)
	return known && v.Set()
}

// shown is the value of the variable called ref as it may be printed.
func (k *check) shown(ref string) string {
	value := os.Getenv(k.nameOf(ref))
	v, known := k.variable(ref)
	switch {
	case value == "":
		return ""
	case known && v.Secret():
		return redact.Mark
	}
	return fmt.Sprintf("%q", faults.Harmless(value))
}

// sort puts the faults in the order of the table: those of the process, then route by route.
func (r *report) sort(checks []*check) {
	var order []string
	for _, k := range checks {
		for _, v := range k.vars {
			order = append(order, v.Name, v.Name+variable.FileSuffix)
		}
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int {
		return slices.Index(order, a.Variable) - slices.Index(order, b.Variable)
	})
}
