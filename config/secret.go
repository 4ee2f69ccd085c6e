package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"carrier/internal/redact"
)

const (
	redacted    = redact.Mark
	maxFileSize = 1 << 20
)

// A Secret is a string that does not print itself: fmt, JSON, zap and everything else
// that goes by fmt.Formatter, fmt.Stringer or encoding.TextMarshaler sees REDACTED, or
// nothing when it is empty. The zero value is empty.
type Secret struct {
	// A pointer: where fmt may not call methods (unexported fields) it prints an address.
	value *string
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
	return redacted
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Format writes String whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// fromFile reads the secret kept in the file at path, without the newline at its end.
// The error names neither the path nor anything that is in the file.
func fromFile(path string) (Secret, error) {
	data, err := readFile(path)
	if err != nil {
		return Secret{}, err
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if value == "" {
		return Secret{}, errors.New("the file is empty")
	}
	return NewSecret(value), nil
}

// readFile reads a small regular file. Anything else could make the start wait for ever.
func readFile(path string) ([]byte, error) {
	about, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !about.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if about.Size() > maxFileSize {
		return nil, errors.New("larger than 1MiB")
	}
	data, err := os.ReadFile(path)
	return data, withoutPath(err)
}

func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
