package config

import (
	"fmt"
	"os"
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

// A check is one look at the environment.
type check struct {
	config    *Config
	receivers []string
	vars      []variable
	faults    Faults
}

// fault notes what is wrong with the variable called name. The first fault of a
// variable stands: what follows from it would only confuse.
func (k *check) fault(name, want string) {
	if v, known := k.variable(name); known && v.secret() && os.Getenv(name) == "" && os.Getenv(name+fileSuffix) != "" {
		name += fileSuffix
	}
	if !k.faulty(name) {
		k.faults = append(k.faults, Fault{Variable: name, Value: k.shown(name), Want: want})
	}
}

func (k *check) faulty(name string) bool {
	return slices.ContainsFunc(k.faults, func(f Fault) bool { return f.Variable == name })
}

// variable finds a variable by its name.
func (k *check) variable(name string) (variable, bool) {
	i := slices.IndexFunc(k.vars, func(v variable) bool { return v.name == name })
	if i < 0 {
		return variable{}, false
	}
	return k.vars[i], true
}

// set reports whether the environment gives the variable called name a value.
func (k *check) set(name string) bool {
	v, known := k.variable(name)
	return known && v.set()
}

// shown is the value of the variable called name as it may be printed.
func (k *check) shown(name string) string {
	value := os.Getenv(name)
	v, known := k.variable(name)
	switch {
	case value == "":
		return ""
	case known && v.secret():
		return redacted
	}
	return fmt.Sprintf("%q", harmless(value))
}

// harmless is value, of any variable, without what may be secret if it is a URL or was meant as one,
// however broken it is.
func harmless(value string) string {
	if strings.Contains(value, "://") {
		value = redact.URLs(value)
	} else if at := strings.LastIndex(value, "@"); at >= 0 {
		value = redacted + value[at:]
	}
	if at := strings.IndexAny(value, "?#"); at >= 0 && at+1 < len(value) {
		value = value[:at+1] + redacted
	}
	return value
}

// sorted returns the faults in the order of the table.
func (k *check) sorted() Faults {
	place := func(f Fault) int {
		return slices.IndexFunc(k.vars, func(v variable) bool {
			return v.name == f.Variable || v.secret() && v.name+fileSuffix == f.Variable
		})
	}
	slices.SortStableFunc(k.faults, func(a, b Fault) int { return place(a) - place(b) })
	return k.faults
}
