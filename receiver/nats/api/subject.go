package api

import (
	"slices"
	"strings"
)

// The headers that mean something to carrier.
const (
	// ContentTypeHeader says what the body is.
	ContentTypeHeader = "Content-Type"
	// GroupHeader names the group.
	GroupHeader = "Carrier-Group-Id"
	// Reserved begins the names of the headers of NATS itself; upper and lower case are the same
	// here, so that none is taken for one.
	Reserved = "nats-"
)

// IsReserved reports whether name is that of a header of NATS itself.
func IsReserved(name string) bool {
	return len(name) >= len(Reserved) && strings.EqualFold(name[:len(Reserved)], Reserved)
}

// Matches reports whether subject is one of those that pattern, with its wildcards * and >, stands
// for.
func Matches(pattern, subject string) bool {
	wanted, given := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range wanted {
		switch {
		case token == ">":
			return len(given) > i
		case i >= len(given), token != "*" && token != given[i]:
			return false
		}
	}
	return len(wanted) == len(given)
}

// MatchesAny reports whether one of patterns stands for subject.
func MatchesAny(patterns []string, subject string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return Matches(pattern, subject) })
}

// IsLiteral reports whether subject is one that a message can have: not a pattern, and not one of
// the server's own.
func IsLiteral(subject string) bool {
	return subject != "" && !strings.ContainsAny(subject, "*> \t\r\n") && !strings.HasPrefix(subject, "$")
}
