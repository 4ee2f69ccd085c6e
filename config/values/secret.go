// Package values has the kinds of values that a variable may have beside numbers, words and durations.
// Each reads itself from text, as envconfig wants it (Decode), and prints as what Decode reads.
package values

import (
	"fmt"
	"io"

	"carrier/internal/redact"
	"carrier/internal/secretfile"
)

// A Secret is a string that does not print itself: fmt, JSON, zap and everything else
// that goes by fmt.Formatter, fmt.Stringer or encoding.TextMarshaler sees REDACTED, or
// nothing when it is empty. The zero value is empty.
type Secret struct {
	// A pointer: where fmt may not call methods (unexported fields) it prints an address.
	value *string
	file  string
}

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// File is the path of the file that the secret was read from; empty where it was in the environment.
func (s Secret) File() string { return s.file }

// Decode sets the secret; envconfig calls it.
func (s *Secret) Decode(value string) error {
	*s = NewSecret(value)
	return nil
}

// String returns REDACTED, or nothing when there is no secret.
func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return redact.Mark
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format writes String whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// FromFile reads the secret kept in the file at path. The error names neither the path nor anything
// that is in the file.
func FromFile(path string) (Secret, error) {
	value, err := secretfile.Read(path)
	if err != nil {
		return Secret{}, err
	}
	secret := NewSecret(value)
	secret.file = path
	return secret, nil
}
