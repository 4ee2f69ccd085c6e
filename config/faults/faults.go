// Package faults says what is wrong with a configuration.
package faults

import (
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

// Harmless is value, of any variable, without what may be secret if it is a URL or was meant as one,
// however broken it is.
func Harmless(value string) string {
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
