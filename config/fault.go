package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"carrier/internal/redact"
)

// A Fault is one variable that cannot stay as it is.
type Fault struct {
	// Variable is its name.
	Variable string
	// Value is what it is set to, quoted; REDACTED for a secret, and empty when it is
	// not set.
	Value string
	// Want says what is allowed.
	Want string
}

// String is the fault in one line.
func (f Fault) String() string {
	if f.Value == "" {
		return f.Variable + " (not set): " + f.Want
	}
	return f.Variable + "=" + f.Value + ": " + f.Want
}

// Faults is everything that is wrong with a configuration, in the order of the
// reference table.
type Faults []Fault

// Error is one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// A report is what all checks of one Load have found.
type report struct{ faults Faults }

func (r *report) add(f Fault) { r.faults = append(r.faults, f) }

// A check is one look at the variables of the process, or of one route.
type check struct {
	config    *Config
	route     *Route // nil for the process
	receivers []string
	vars      []variable // its own, in their order
	known     []variable // its own, and the process's
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
	if v, known := k.variable(ref); known && v.secret() && os.Getenv(name) == "" && os.Getenv(name+fileSuffix) != "" {
		name, ref = name+fileSuffix, ref+fileSuffix
	}
	if !k.noted(name) {
		k.report.add(Fault{Variable: name, Value: k.shown(ref), Want: k.renamed(want)})
	}
}

// nameOf is the name that the variable ref, or its _FILE form, is read from.
func (k *check) nameOf(ref string) string {
	if v, known := k.variable(ref); known {
		return v.name
	}
	if v, known := k.variable(strings.TrimSuffix(ref, fileSuffix)); known {
		return v.name + fileSuffix
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
func (k *check) variable(ref string) (variable, bool) {
	i := slices.IndexFunc(k.known, func(v variable) bool { return v.ref == ref })
	if i < 0 {
		return variable{}, false
	}
	return k.known[i], true
}

// set reports whether the environment gives the variable called ref a value.
func (k *check) set(ref string) bool {
	v, known := k.variable(ref)
	return known && v.set()
}

// shown is the value of the variable called ref as it may be printed.
func (k *check) shown(ref string) string {
	value := os.Getenv(k.nameOf(ref))
	v, known := k.variable(ref)
	switch {
	case value == "":
		return ""
	case known && v.secret():
		return redact.Mark
	}
	return fmt.Sprintf("%q", harmless(value))
}

// harmless is value, of any variable, without what may be secret if it is a URL or was meant as one,
// however broken it is.
func harmless(value string) string {
	if strings.Contains(value, "://") {
		value = redact.URLs(value)
	} else if at := strings.LastIndex(value, "@"); at >= 0 {
		value = redact.Mark + value[at:]
	}
	if at := strings.IndexAny(value, "?#"); at >= 0 && at+1 < len(value) {
		value = value[:at+1] + redact.Mark
	}
	return value
}

// sort puts the faults in the order of the table: those of the process, then route by route.
func (r *report) sort(checks []*check) {
	var order []string
	for _, k := range checks {
		for _, v := range k.vars {
			order = append(order, v.name, v.name+fileSuffix)
		}
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int {
		return slices.Index(order, a.Variable) - slices.Index(order, b.Variable)
	})
}
